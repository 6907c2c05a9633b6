// Calls beyond the quota, by libraries that repeat a refused call by themselves. None of them repeats a POST unless it is
// told to; each is told nothing else but the status.
//
//   node retries.mjs KEYS PREFIX
//
// The server is to allow one call per second. Prints the addresses that each library created.
import { request } from "./signed.mjs";
import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import ky from "ky";

const [keysFile, prefix] = process.argv.slice(2);

axiosRetry(axios, { retries: 5, retryCondition: error => error.response?.status === 429 });

const libraries = {
  "axios-retry": ({ url, headers, body }) => axios.post(url, body, { headers }).then(answer => answer.data),
  got: ({ url, headers, body }) =>
    got.post(url, { headers, json: body, retry: { limit: 5, methods: ["POST"], statusCodes: [429] } }).json(),
  ky: ({ url, headers, body }) =>
    ky.post(url, { headers, json: body, retry: { limit: 5, methods: ["post"], statusCodes: [429] } }).json(),
};

const created = {};
for (const [library, create] of Object.entries(libraries)) {
  created[library] = [];
  // The second call comes within the same second.
  for (const number of [0, 1]) {
    const answer = await create(request([keysFile, `${prefix}-${library}${number}@example.com`]));
    created[library].push(...answer.data.map(row => row.emailAddress));
  }
}
console.log(JSON.stringify(created));
