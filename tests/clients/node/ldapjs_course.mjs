// Looks users and groups up, and logs a user in, through ldapjs.
//
//     ldapjs_course.mjs SETTINGS
//
// SETTINGS and output are those of ldap/ldap3_course.py.
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import ldap from "ldapjs";

const { url, base, bind_dn, secret, address, password, group, page } = JSON.parse(readFileSync(process.argv[2], "utf8"));

function opened() {
  const client = ldap.createClient({ url });
  for (const name of ["bind", "unbind"]) client[name] = promisify(client[name].bind(client));
  return client;
}

async function outcome(name, word) {
  const client = opened();
  try {
    await client.bind(name, word);
    return 0;
  } catch (error) {
    return error.code;
  } finally {
    await client.unbind();
  }
}

const find = (client, where, options) =>
  new Promise((resolve, reject) => {
    client.search(where, { scope: "sub", ...options }, (error, response) => {
      if (error) return reject(error);
      const entries = [];
      response.on("searchEntry", (entry) => {
        const values = Object.fromEntries(entry.pojo.attributes.map(({ type, values }) => [type, values]));
        entries.push({ dn: entry.pojo.objectName, ...values });
      });
      response.on("error", reject);
      response.on("end", () => resolve(entries));
    });
  });
const compare = (client, dn, attribute, value) =>
  new Promise((resolve, reject) =>
    client.compare(dn, attribute, value, (error, is) => (error ? reject(error) : resolve(is))),
  );
const equal = (attribute, value) => new ldap.EqualityFilter({ attribute, value });

const service = opened();
await service.bind(bind_dn, secret);
const seen = { wrong: await outcome(bind_dn, "wrong"), empty: await outcome(bind_dn, "") };
const walked = await find(service, base, {
  filter: "(objectClass=inetOrgPerson)", attributes: ["uid"], paged: { pageSize: page },
});
seen.walk = [walked.length, new Set(walked.map((entry) => entry.dn)).size];

const [found] = await find(service, base, { filter: equal("cn", group) });
seen.found = [found.cn[0], found.member.length];
// The name has its octets escaped here, and still names the entry.
const [again] = await find(service, found.dn, { scope: "base", filter: "(objectClass=*)" });
seen.again = again.cn[0];

const [user] = await find(service, base, { filter: equal("mail", address), attributes: ["*", "memberOf"] });
seen.user = [user.cn[0], user.sn[0], user.memberOf.length, Number(user.uidNumber[0]) >= 100_000];
seen["of group"] = (await find(service, base, { filter: equal("memberOf", user.memberOf[0]) })).length;
seen.compare = [
  await compare(service, user.dn, "mail", address),
  await compare(service, user.dn, "mail", "nobody@example.com"),
];

const own = opened();
await own.bind(user.dn, password);
const classes = ["person", "groupOfNames"].map((name) => equal("objectClass", name));
seen.own = (await find(own, base, { filter: new ldap.OrFilter({ filters: classes }) })).map((e) => e.cn[0]).sort();
seen["by address"] = await outcome(address, password);
await own.unbind();
await service.unbind();
console.log(JSON.stringify(seen));
