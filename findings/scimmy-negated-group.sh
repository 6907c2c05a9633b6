#!/usr/bin/env bash
# Expected: `not (a or b)` is true of those for whom neither is true, and `not (a and b)` of all others than those for whom
# both are (RFC 7644, 3.4.2.2).
# Found: npm's scimmy 1.3.5 negates each condition and leaves `or` and `and` as they are, so each filter finds what the
# other one should. A server made with it lists the wrong users, and a program that disables those who are listed disables
# them. `not (not (…))` is refused, although the grammar has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit scimmy@1.3.5 >/dev/null
cat >filters.mjs <<'JS'
import SCIMMY from "scimmy";
const users = [
  { userName: "ann", title: "Head" }, { userName: "bob", title: "Head" },
  { userName: "ann" }, { userName: "bob" },
].map((user, index) => ({ id: String(index + 1), ...user }));
const found = filter => {
  try {
    return new SCIMMY.Types.Filter(filter).match(users).map(({ id }) => id).join(" ");
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
for (const [filter, right, seen] of [
  ['not (title pr)', "3 4", "3 4"],
  ['not (userName eq "ann" or title pr)', "4", "2 3 4"],
  ['not (userName eq "ann" and title pr)', "2 3 4", "4"],
  ['not (not (userName eq "ann"))', "1 3", "SCIMError: Unexpected token ')' in filter"],
]) {
  const now = found(filter);
  console.log(`scimmy 1.3.5, ${filter}: ${now}${now === right ? "" : `   (right: ${right})`}`);
  if (now !== seen) {
    console.log("changed");
    process.exitCode = 1;
  }
}
JS
node filters.mjs
