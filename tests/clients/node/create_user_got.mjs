// Creates a user by got, over HTTP/2 where the server speaks it.
//
// Usage: node create_user_got.mjs KEYS ADDRESS [NAME]
//
// Prints the body of the answer, whatever its status, and the version of HTTP to standard error. Ends with 1 when the status
// is an error. The package must lie in a node_modules beside this file.
import got from "got";
import { request } from "./signed.mjs";

const { url, headers, body } = request(process.argv.slice(2));
const answer = await got.post(url, { headers, json: body, http2: true, throwHttpErrors: false });
console.log(answer.body);
console.error(`HTTP/${answer.httpVersion}`);
process.exitCode = answer.ok ? 0 : 1;
