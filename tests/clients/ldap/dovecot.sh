#!/usr/bin/env bash
# Logs users in and looks them up by Dovecot.
#
#   dovecot.sh SETTINGS FOLDER
#
# As root. SETTINGS are those of ldap3_course.py; FOLDER is empty and has a short path, for sockets. Prints, one a line,
# whether the right and a wrong password are accepted, and the user's number.
set -euo pipefail

settings=$1 folder=$2
setting() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$settings" "$1"; }
url=$(setting url) base=$(setting base) bind_dn=$(setting bind_dn) secret=$(setting secret)
address=$(setting address) password=$(setting password)

# The settings of docs/LDAP.md.
cat >"$folder/ldap.conf" <<CONF
uris = $url
dn = $bind_dn
dnpass = $secret
base = $base
auth_bind = yes
pass_filter = (&(objectClass=mailAccount)(mail=%u))
user_filter = (&(objectClass=mailAccount)(mail=%u))
user_attrs = homeDirectory=home,uidNumber=uid,gidNumber=gid
CONF
cat >"$folder/dovecot.conf" <<CONF
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/log
protocols =
ssl = no
# Any character, as addresses may have a plus sign or an apostrophe.
auth_username_chars =
passdb {
  driver = ldap
  args = $folder/ldap.conf
}
userdb {
  driver = ldap
  args = $folder/ldap.conf
}
CONF
conf=(-c "$folder/dovecot.conf")
# It returns when its sockets exist.
dovecot "${conf[@]}"
trap 'doveadm "${conf[@]}" stop' EXIT
accepts() { if doveadm "${conf[@]}" auth test "$address" "$1" >/dev/null; then echo yes; else echo no; fi; }
accepts "$password"
accepts wrong
doveadm "${conf[@]}" user -f uid "$address"
