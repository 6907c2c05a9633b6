// What both clients send: the headers of a signed call, and a body of strict JSON.
import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

export const PATH = "/api/user/create-user";

/** The request that creates a user, by the file of keys and what stands on the command line. */
export function request([keysFile, address, name = "Ann Lee"]) {
  const keys = JSON.parse(readFileSync(keysFile, "utf8"));
  // toUTCString is "Wed, 25 Nov 2026 09:30:00 GMT".
  const date = new Date().toUTCString();
  const requestId = randomUUID();
  const text = [date, requestId, PATH, keys.app_key].join(":");
  const signature = createHmac("sha1", Buffer.from(keys.secret_key, "base64")).update(text).digest("base64");
  return {
    url: keys.base_url + PATH,
    headers: {
      Authorization: `MC ${keys.access_key}:${signature}`,
      "x-mc-app-id": keys.app_id,
      "x-mc-date": date,
      "x-mc-req-id": requestId,
    },
    body: {
      data: [{ emailAddress: address, accountCode: keys.account_code, forcePasswordChange: false, name }],
    },
  };
}
