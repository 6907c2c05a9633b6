#!/usr/bin/env node
// Signs a request with a mistake and sends it, as scripts do by accident. Built-in modules only.
//
// Usage: sign.js KEYS MISTAKE
//
// Prints the header x-matricula-explain of the answer, then the request that was sent, as a curl line.

"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");

const PATH = "/api/user/get-profile";
const BODY = '{"data":[]}';

if (process.argv.length !== 4) {
  console.error("usage: sign.js KEYS MISTAKE");
  process.exit(2);
}
const keys = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const mistake = process.argv[3];

const now = new Date();
let date = now.toUTCString().replace("GMT", "UTC");
let requestId = crypto.randomUUID();
let secret = Buffer.from(keys.secret_key, "base64");
let parts = [date, requestId, PATH, keys.app_key];
let separator = ":";
let encode = (digest) => digest.toString("base64");
let transform = (text) => text;
let hash = "sha1";
let scheme = "MC ";

const mistakes = {
  none: () => {},
  secret_not_decoded: () => (secret = keys.secret_key),
  secret_through_text: () => (secret = secret.toString()),
  secret_unset: () => (secret = String(keys.secretKey)),
  app_key_is_access_key: () => (parts[3] = keys.access_key),
  app_key_unset: () => (parts[3] = String(keys.applicationKey)),
  date_zone: () => (parts[0] = now.toUTCString()),
  date_iso_8601: () => (parts[0] = now.toISOString()),
  date_epoch: () => (parts[0] = String(now.getTime())),
  request_id_case: () => (parts[1] = requestId.toUpperCase()),
  request_id_form: () => (parts[1] = requestId.replaceAll("-", "")),
  path_leading_slash: () => (parts[2] = PATH.slice(1)),
  path_encoded: () => (parts[2] = encodeURIComponent(PATH)),
  comma_joined: () => (separator = ","),
  trailing_line_break: () => (transform = (text) => text + "\n"),
  method_in_text: () => parts.unshift("POST"),
  signature_base64_of_hex: () => (encode = (digest) => Buffer.from(digest.toString("hex")).toString("base64")),
  signature_url_safe: () => {
    encode = (digest) => digest.toString("base64url");
    // Not every signature has a sign that URL-safe base64 writes otherwise.
    while (!/[-_]/.test(encode(hmac(parts.join(":"))))) {
      requestId = crypto.randomUUID();
      parts[1] = requestId;
    }
  },
  sha_512: () => (hash = "sha512"),
  scheme_twice: () => (scheme = "MC MC "),
};

const hmac = (text) => crypto.createHmac(hash, secret).update(transform(text)).digest();

if (!mistakes[mistake]) {
  console.error(`no mistake ${mistake}`);
  process.exit(2);
}
mistakes[mistake]();

const url = new URL(keys.base_url + PATH);
const headers = {
  Authorization: `${scheme}${keys.access_key}:${encode(hmac(parts.join(separator)))}`,
  "x-mc-app-id": keys.app_id,
  "x-mc-date": date,
  "x-mc-req-id": requestId,
  "Content-Type": "application/json",
};
const request = http.request(
  url,
  { method: "POST", headers: { ...headers, "Content-Length": BODY.length, "x-matricula-explain": "1" } },
  (answer) => {
    console.log(answer.headers["x-matricula-explain"]);
    const lines = Object.entries(headers).map(([name, value]) => `  -H '${name}: ${value}' \\`);
    console.log([`curl '${url}' \\`, ...lines, `  --data-raw '${BODY}' --compressed`].join("\n"));
    answer.resume();
  },
);
request.end(BODY);
