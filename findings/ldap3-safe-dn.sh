#!/usr/bin/env bash
# Expected: RFC 4514 names attributes also by number (2.5.4.3 is cn) and gives values also in hexadecimal after #; a check of
# names leaves such a name as it is.
# Found: PyPI's ldap3 2.9.1 refuses the number and the hexadecimal value in parse_dn, and safe_dn, through which every search
# and compare goes unless check_names is off, turns `#04026162`, which is ab, into the text `\#04026162`: another name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ldap3==2.9.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from ldap3 import __version__
from ldap3.utils.dn import parse_dn, safe_dn
def made(function, text):
    try:
        return repr(function(text))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
changed = False
for function, text, seen in [
    (safe_dn, "cn=a,dc=example", "'cn=a,dc=example'"),
    (safe_dn, "2.5.4.3=a,dc=example", "LDAPInvalidDnError: character '.' not allowed in attribute type"),
    (parse_dn, "cn=#04026162,dc=example", "LDAPInvalidDnError"),
    (safe_dn, "cn=#04026162,dc=example", repr(r"cn=\#04026162,dc=example")),
]:
    now = made(function, text)
    print(f"ldap3 {__version__}, {function.__name__}({text!r}): {now}")
    changed |= not now.startswith(seen)
if changed:
    sys.exit("changed")
PYTHON
