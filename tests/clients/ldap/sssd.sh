#!/usr/bin/env bash
# Names of users and groups of a Linux machine, by sssd: getent and id.
#
#   unshare --mount --pid --fork --kill-child --mount-proc sssd.sh SETTINGS NAME GROUP
#
# As root, in namespaces of its own: sssd keeps its state and its sockets in fixed places, which are empty folders here.
# SETTINGS are those of ldap3_course.py. Prints what getent and id say.
set -euo pipefail

setting() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$settings" "$1"; }
settings=$1 name=$2 group=$3

for folder in /etc/sssd /var/lib/sss /var/log/sssd /run; do
    mkdir -p "$folder"
    mount -t tmpfs -o mode=0755 none "$folder"
done
mkdir -p /var/lib/sss/{db,mc,pubconf/krb5.include.d,gpo_cache,secrets,keytabs,deskprofile} /var/lib/sss/pipes/private
cp /etc/nsswitch.conf /run/nsswitch.conf
sed -i -E 's/^(passwd|group|shadow):.*/\1: files sss/; s/^(initgroups):.*//' /run/nsswitch.conf
mount --bind /run/nsswitch.conf /etc/nsswitch.conf

# A name contains an @ here, so that nothing of it is a domain.
cat >/etc/sssd/sssd.conf <<CONF
[sssd]
services = nss
domains = matricula
[domain/matricula]
id_provider = ldap
auth_provider = none
ldap_uri = $(setting url)
ldap_search_base = $(setting base)
ldap_schema = rfc2307bis
ldap_default_bind_dn = $(setting bind_dn)
ldap_default_authtok = $(setting secret)
ldap_user_uuid = entryUUID
ldap_group_uuid = entryUUID
re_expression = ^(?P<name>.+)$
enumerate = false
CONF
chmod 600 /etc/sssd/sssd.conf

# It says on a pipe that its services are ready, in place of systemd.
mkfifo /run/ready
NOTIFY_SOCKET='' /usr/sbin/sssd -D --logger=files
getent passwd "$name"
getent group "$group"
id -Gn "$name"
