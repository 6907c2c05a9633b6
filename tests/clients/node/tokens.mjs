// Asks for a token with the credentials in `Authorization: Basic`, by libraries of OAuth 2.0, and calls with it.
//
//   node tokens.mjs KEYS ADDRESS
//
// Prints, for each library, the type of the token and the account that it reads.
import { readFileSync } from "node:fs";
import * as oauth from "oauth4webapi";
import { ClientCredentials } from "simple-oauth2";

const keys = JSON.parse(readFileSync(process.argv[2], "utf8"));

const libraries = {
  // Encodes id and secret as a form first, even `-`, `_` and `.`.
  async oauth4webapi() {
    const server = { issuer: keys.base_url, token_endpoint: `${keys.base_url}/oauth/token` };
    const client = { client_id: keys.client_id };
    const answer = await oauth.clientCredentialsGrantRequest(
      server, client, oauth.ClientSecretBasic(keys.client_secret), new URLSearchParams());
    return oauth.processClientCredentialsResponse(server, client, answer);
  },
  async "simple-oauth2"() {
    const client = new ClientCredentials({
      client: { id: keys.client_id, secret: keys.client_secret },
      auth: { tokenHost: keys.base_url, tokenPath: "/oauth/token" },
    });
    return (await client.getToken({})).token;
  },
};

const read = {};
for (const [library, token] of Object.entries(libraries)) {
  const { access_token, token_type } = await token();
  const answer = await fetch(`${keys.base_url}/api/account/get-account`, {
    method: "POST",
    headers: { Authorization: `Bearer ${access_token}` },
  });
  read[library] = [token_type.toLowerCase(), (await answer.json()).data[0].accountCode];
}
console.log(JSON.stringify(read));
