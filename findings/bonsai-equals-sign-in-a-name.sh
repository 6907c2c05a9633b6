#!/usr/bin/env bash
# Expected: a value in a distinguished name may have an equals sign as it is: RFC 4514 lists the characters that need an
# escape, and it is none of them. Two spellings of one name are equal.
# Found: Python's bonsai 1.5.0 raises InvalidDN for `uid=a=b@example.com`, and makes such an object of the name of each entry
# that a search finds: one name like this, from a server that does not escape it, and the search fails. `\3D` and `\=` are
# read. Names with and without a blank after a comma differ, while the case of letters does not count.
# Needs Debian 12, its lists of packages (apt-get update), and Python.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root python3-bonsai=1.5.0+ds-3+b1 libldap-2.5-0 libsasl2-2
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=usr/lib/x86_64-linux-gnu PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 - <<'PYTHON'
import sys
import bonsai
from bonsai import LDAPDN, LDAPEntry
def made(kind, name):
    try:
        return str(kind(name))
    except bonsai.errors.InvalidDN as error:
        return f"InvalidDN: {error}"
changed = False
for kind, name, refused in [
    (LDAPDN, "uid=ab@example.com,dc=example", False),
    (LDAPDN, "uid=a=b@example.com,dc=example", True),
    (LDAPDN, r"uid=a\3Db@example.com,dc=example", False),
    (LDAPDN, r"uid=a\=b@example.com,dc=example", False),
    (LDAPEntry, "uid=a=b@example.com,dc=example", True),
]:
    now = made(kind, name)
    print(f"bonsai {bonsai.__version__}, {kind.__name__}({name!r}): {now}")
    changed |= now.startswith("InvalidDN") != refused
for one, other, seen in [
    ("CN=a,DC=example", "cn=a,dc=example", True),
    ("cn=a, dc=example", "cn=a,dc=example", False),
]:
    now = LDAPDN(one) == LDAPDN(other)
    print(f"{one} and {other} are equal: {now}")
    changed |= now != seen
if changed:
    sys.exit("changed")
PYTHON
