#!/usr/bin/env bash
# Expected: csv-parse tells the number of the line on which a record ends, whatever line ends the file has.
# Found: npm's csv-parse 7.0.3 counts a CR LF within quotes as two lines, and a CR or an LF as one. Behind the first field
# with such a break every number is too high, also in error messages: the wrong row of a file is corrected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit csv-parse@7.0.3 >/dev/null
node -e '
const { parse } = require("csv-parse/sync");
const lines = end => {
  const file = ["email,note", "ann@example.com,\"of", "three", "lines\"", "bob@example.com,", ""].join(end);
  return parse(file, { info: true }).map(({ info }) => info.lines).join(" ");
};
const [lf, cr, crlf] = ["\n", "\r", "\r\n"].map(lines);
console.log("csv-parse 7.0.3, last lines of the records, LF:   ", lf);
console.log("csv-parse 7.0.3, last lines of the records, CR:   ", cr);
console.log("csv-parse 7.0.3, last lines of the records, CR LF:", crlf);
if (lf !== "1 4 5" || cr !== "1 4 5" || crlf !== "1 6 7") {
  console.log("changed");
  process.exitCode = 1;
}'
