#!/usr/bin/env bash
# Expected: a value in a distinguished name may have a backslash and blanks at its ends, each written with a backslash before
# it (RFC 4514, 2.4). A library reads the name, writes it, and reads the same name again.
# Found: npm's @ldapjs/dn 1.1.0 reads the backslash in `cn=ACME\\Sales`, writes it without its escape, and reads that as the
# group ACMESales. In `cn=a\\b` it takes the rest of the name for a part of the value. Of `cn=\ Ann` it loses the first
# letter. A server or client made with it asks for another group or user than the one that is meant.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit @ldapjs/dn@1.1.0 >/dev/null
cat >names.mjs <<'JS'
import dn from "@ldapjs/dn";
const { DN, RDN } = dn;
const value = name => DN.fromString(name).rdnAt(0).getValue("cn");
let failed = false;
const check = (what, now, seen, right) => {
  console.log(`@ldapjs/dn 1.1.0, ${what}: ${JSON.stringify(now)}   (right: ${JSON.stringify(right)})`);
  failed ||= now !== seen;
};
for (const [name, seen, right] of [
  ["cn=ACME\\\\Sales,ou=groups,dc=example", "ACME\\Sales", "ACME\\Sales"],
  ["cn=Sales\\, EMEA,dc=example", "Sales, EMEA", "Sales, EMEA"],
  ["cn=\\ Ann,dc=example", "nn", " Ann"],
  ["cn=\\ a\\ ,dc=example", "", " a "],
  ["cn=\\20Ann\\20,dc=example", "Ann", " Ann "],
]) {
  check(`the value in ${name}`, value(name), seen, right);
}
for (const [text, seen] of [["ACME\\Sales", "ACMESales"], ["a\\b", "a\u000bdc=example"], ["a,b", "a,b"]]) {
  const name = String(new DN({ rdns: [new RDN({ cn: text }), new RDN({ dc: "example" })] }));
  check(`${JSON.stringify(text)} is written ${name}, and read as`, value(name), seen, text);
}
if (failed) {
  console.log("changed");
  process.exitCode = 1;
}
JS
node names.mjs
