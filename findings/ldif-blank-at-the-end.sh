#!/usr/bin/env bash
# Expected: two readers of LDIF give the same value of a plain line that ends with a blank. RFC 2849 allows the blank: only
# the first character of a value must not be one.
# Found: PyPI's ldif 4.2.2 drops the blank, npm's ldif 0.5.1 keeps it. A password that ends with a blank is another one
# after the first reader, and the login that worked before the move fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ldif==4.2.2
npm install --silent --no-fund --no-audit ldif@0.5.1 >/dev/null
printf 'dn: uid=ann,dc=example,dc=com\nobjectClass: inetOrgPerson\nuserPassword: Sunny-Day-4711 \n' >entry.ldif
python=$(venv/bin/python - <<'PYTHON'
import ldif
(_, entry), = ldif.LDIFParser(open("entry.ldif", "rb")).parse()
print(repr(entry["userPassword"][0]))
PYTHON
)
node=$(node -e '
const [entry] = require("ldif").parse(require("fs").readFileSync("entry.ldif", "utf8")).entries;
console.log("\x27" + entry.toObject({}).attributes.userPassword + "\x27");')
echo "PyPI ldif 4.2.2: $python"
echo "npm  ldif 0.5.1: $node"
[ "$python" = "'Sunny-Day-4711'" ] && [ "$node" = "'Sunny-Day-4711 '" ] || { echo "changed"; exit 1; }
