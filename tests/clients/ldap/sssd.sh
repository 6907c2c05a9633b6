#!/usr/bin/env bash
# Names of users and groups of a Linux machine, by sssd: getent and id.
#
#   unshare --mount --pid --fork --kill-child --mount-proc sssd.sh SETTINGS NAME GROUP
#
# As root, in separate namespaces: sssd keeps its state and its sockets in fixed places, which are empty folders here.
# SETTINGS are those of ldap3_course.py. Prints what getent and id say.
set -euo pipefail

settings=$1 name=$2 group=$3
setting() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$settings" "$1"; }
url=$(setting url) base=$(setting base) bind_dn=$(setting bind_dn) secret=$(setting secret)

for folder in /etc/sssd /var/lib/sss /var/log/sssd /run; do
    mkdir -p "$folder"
    mount -t tmpfs -o mode=0755 none "$folder"
done
mkdir -p /var/lib/sss/{db,mc,gpo_cache,secrets,keytabs,deskprofile} /var/lib/sss/pubconf/krb5.include.d /var/lib/sss/pipes/private
sed -E 's/^(passwd|group|shadow):.*/\1: files sss/; /^initgroups:/d' /etc/nsswitch.conf >/run/nsswitch.conf
mount --bind /run/nsswitch.conf /etc/nsswitch.conf

# The settings of docs/LDAP.md, but that passwords are not sent: sssd wants TLS for that.
cat >/etc/sssd/sssd.conf <<CONF
[sssd]
services = nss
domains = matricula
[domain/matricula]
id_provider = ldap
auth_provider = none
ldap_uri = $url
ldap_search_base = $base
ldap_schema = rfc2307bis
ldap_default_bind_dn = $bind_dn
ldap_default_authtok = $secret
ldap_group_member = member
ldap_user_uuid = entryUUID
ldap_group_uuid = entryUUID
auto_private_groups = true
CONF
chmod 600 /etc/sssd/sssd.conf

# It returns when its services are ready.
/usr/sbin/sssd -D --logger=files
getent passwd "$name"
getent group "$group"
id -Gn "$name"
