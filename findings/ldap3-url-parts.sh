#!/usr/bin/env bash
# Expected: in a URL of LDAP a question mark of a filter is written %3f and a comma of an extension %2c, so that they do not
# separate parts; scheme and scope are in any case; a host may be an address of IPv6 (RFC 4516; RFC 3986).
# Found: PyPI's ldap3 2.9.1 decodes the whole URL before it looks for its parts: the filter ends at the question mark, and its
# rest is an extension. `LDAP://`, `SUB` and `[::1]` give None, as a text that is no URL does. Where scope and filter are left
# out before an extension, they are empty texts, not None.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ldap3==2.9.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from ldap3 import __version__
from ldap3.utils.uri import parse_uri
def shown(url):
    parts = parse_uri(url)
    return parts and (parts["host"], parts["base"], parts["scope"], parts["filter"], parts["extensions"])
changed = False
for url, seen in [
    ("ldap://host/dc=example??sub?(uid=a)", ("host", "dc=example", "SUBTREE", "(uid=a)", None)),
    ("ldap://host/dc=example??sub?(cn=a%3fb)", ("host", "dc=example", "SUBTREE", "(cn=a", ["b)"])),
    ("ldap://host/dc=example????bindname=cn=a%2cdc=example",
     ("host", "dc=example", "", "", ["bindname=cn=a", "dc=example"])),
    ("LDAP://host/dc=example", None),
    ("ldap://host/dc=example??SUB", None),
    ("ldap://[::1]:389/dc=example", None),
]:
    now = shown(url)
    print(f"ldap3 {__version__}, {url}: {now}")
    changed |= now != seen
if changed:
    sys.exit("changed")
PYTHON
