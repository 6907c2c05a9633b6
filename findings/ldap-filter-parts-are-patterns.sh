#!/usr/bin/env bash
# Expected: in a filter only * stands for other characters (RFC 4515); a dot is a dot, and an escaped parenthesis is one.
# Found: PyPI's ldap-filter 1.0.1 puts the parts of a value with * into a regular expression as they are: `(cn=Dr. *)` is also
# true of "Dru Lee", and `(cn=*\28*)`, somebody with a parenthesis in the name, raises an error of the re module. Without
# * both are right. The name of the attribute must be in the case of the data, while values may be in any.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ldap-filter==1.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from ldap_filter import Filter
people = [{"uid": "1", "cn": "Dr. Lee"}, {"uid": "2", "cn": "Dru Lee"}, {"uid": "3", "cn": "Ann (HR)"}]
def found(text):
    try:
        return " ".join(person["uid"] for person in people if Filter.parse(text).match(person))
    except Exception as error:
        return f"{type(error).__module__}.{type(error).__name__}: {error}"
changed = False
for text, seen, right in [
    ("(cn=Dr. Lee)", "1", "1"),
    ("(cn=Dr. *)", "1 2", "1"),
    (r"(cn=Ann \28HR\29)", "3", "3"),
    (r"(cn=*\28*)", "re.error", "3"),
    ("(CN=Dr. Lee)", "", "1"),
    ("(cn=DR. LEE)", "1", "1"),
]:
    now = found(text)
    print(f"ldap-filter {version('ldap-filter')}, {text}: {now or 'nobody'}   (right: {right})")
    changed |= not now.startswith(seen) or (now == "") != (seen == "")
if changed:
    sys.exit("changed")
PYTHON
