#!/usr/bin/env bash
# Expected: an attribute without a value, such as `description:`, is an empty text. RFC 2849 allows it, and PyPI's ldif
# 4.2.2 reads it so.
# Found: npm's ldif 0.5.1 raises a TypeError for the whole file. One such attribute of one person stops the reading of an
# export.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit ldif@0.5.1 >/dev/null
printf 'dn: uid=ann,dc=example,dc=com\nmail: ann@example.com\ndescription:\n' >entry.ldif
node -e '
try {
  const { entries } = require("ldif").parse(require("fs").readFileSync("entry.ldif", "utf8"));
  console.log("changed:", JSON.stringify(entries[0].toObject({})));
  process.exitCode = 1;
} catch (error) {
  console.log("npm ldif 0.5.1:", error.name + ":", error.message);
  process.exitCode = error instanceof TypeError ? 0 : 1;
}'
