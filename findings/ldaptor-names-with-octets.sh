#!/usr/bin/env bash
# Expected: in a distinguished name and in a filter a backslash with two digits is an octet of UTF-8 (RFC 4514, 2.4; RFC 4515,
# 3), so `cn=\c3\b6l` is öl: OpenLDAP and others write names so. A value that begins with # is encoded in hexadecimal.
# Found: PyPI's ldaptor 21.2.0 takes each octet for a character: the name becomes cn=Ã¶l, the filter asks for Ã¶l, and neither
# finds the entry. Escapes of ASCII are right, so it shows with the first umlaut only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ldaptor==21.2.0 Twisted==26.10.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from ldaptor.protocols.ldap.distinguishedname import DistinguishedName
from ldaptor.ldapfilter import parseFilter
changed = False
for name, seen, right in [
    (r"cn=Sales\2c EMEA", "Sales, EMEA", "Sales, EMEA"),
    (r"cn=\c3\b6l", "Ã¶l", "öl"),
]:
    now = DistinguishedName(name).split()[0].split()[0].value
    print(f"ldaptor {version('ldaptor')}, {name}: {now!r}   (right: {right!r})")
    changed |= now != seen
same = DistinguishedName(r"cn=\c3\b6l,dc=example") == DistinguishedName("cn=öl,dc=example")
print("ldaptor takes both spellings of cn=öl for one name:", same)
wire = parseFilter(r"(cn=\c3\b6l)").toWire()
print(r"ldaptor sends (cn=\c3\b6l) as", wire.hex())
if changed or same or "öl".encode() in wire or "Ã¶l".encode() not in wire:
    sys.exit("changed")
PYTHON
