// Reads a CSV file from each line of its input, in hex; prints its records as JSON: the first line and the fields of each.
// The argument is the folder with the package csv-parse.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const { parse } = require("csv-parse/sync");
const { version } = require(process.argv[2] + "/csv-parse/package.json");

function records(file, delimiter) {
  let [line, twice] = [1, 0];
  // A row may have fewer fields than the header.
  const options = { bom: true, delimiter, info: true, relax_column_count: true };
  return parse(file, options).map(({ info, record }) => {
    const first = line;
    // csv-parse 7.0.3 counts a CR LF within quotes as two lines.
    twice += record.join(" ").split("\r\n").length - 1;
    line = info.lines + 1 - twice;
    return [first, record];
  });
}

console.log(`csv-parse ${version}`);
for await (const request of createInterface({ input: process.stdin })) {
  const [delimiter, file] = request.split(" ");
  let answer;
  try {
    answer = records(Buffer.from(file, "hex"), String.fromCharCode(delimiter));
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
