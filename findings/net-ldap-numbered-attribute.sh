#!/usr/bin/env bash
# Expected: RFC 2849 lets an attribute be named by its number (2.5.4.20 is the telephone number), and the version of the
# format be written without a blank. python-ldap 3.4.3 reads both.
# Found: Perl's Net::LDAP 0.68 (libnet-ldap-perl) refuses them. One such attribute of one person stops the reading of an
# export, or no entry is read at all.
# Needs Debian 12, its lists of packages (apt-get update), Perl, Python and libldap.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root \
    libnet-ldap-perl=1:0.6800+dfsg-1 python3-ldap=3.4.3-2+deb12u1 \
    libconvert-asn1-perl python3-pyasn1 python3-pyasn1-modules
for package in *.deb; do dpkg -x "$package" .; done
printf 'dn: uid=ann,dc=example,dc=com\n2.5.4.20: 4711\nmail: ann@example.com\n' >number.ldif
printf 'version:1\ndn: uid=ann,dc=example,dc=com\nmail: ann@example.com\n' >version.ldif
failed=0
for file in number.ldif version.ldif; do
    python=$(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 - "$file" <<'PYTHON'
import ldif, sys
entries = ldif.LDIFRecordList(open(sys.argv[1], "rb"))
entries.parse()
print(entries.all_records[0][1]["mail"][0].decode())
PYTHON
)
    perl=$(perl -Iusr/share/perl5 -MNet::LDAP::LDIF -e '
        my $ldif = Net::LDAP::LDIF->new($ARGV[0], "r", onerror => "undef");
        my $entry = $ldif->read_entry;
        print defined $entry ? $entry->get_value("mail") : "refused: " . $ldif->error;' "$file")
    echo "$file, python-ldap 3.4.3: $python"
    echo "$file, Net::LDAP 0.68:    $perl"
    [[ $python == ann@example.com && $perl == refused:* ]] || failed=1
done
((failed == 0)) || { echo "changed"; exit 1; }
