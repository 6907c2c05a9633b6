// Creates a user by axios, as it comes: it throws where the status is an error.
//
// Usage: node create_user_axios.mjs KEYS ADDRESS [NAME]
//
// Prints the body of the answer, whatever its status, and the version of HTTP to standard error. Ends with 1 when the status
// is an error. The package must lie in a node_modules beside this file.
import axios from "axios";
import { request } from "./signed.mjs";

const { url, headers, body } = request(process.argv.slice(2));
try {
  const answer = await axios.post(url, body, { headers });
  console.log(JSON.stringify(answer.data));
  console.error(`HTTP/${answer.request.res.httpVersion}`);
} catch (error) {
  if (!error.response) throw error;
  console.log(JSON.stringify(error.response.data));
  process.exitCode = 1;
}
