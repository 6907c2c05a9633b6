// Looks users and groups up, and logs a user in, through ldapts.
//
//     ldapts_course.mjs SETTINGS
//
// SETTINGS and output are those of ldap/ldap3_course.py.
import { readFileSync } from "node:fs";
import { AndFilter, Client, EqualityFilter, OrFilter, PresenceFilter } from "ldapts";

const { url, base, bind_dn, secret, address, password, group, page } = JSON.parse(readFileSync(process.argv[2], "utf8"));

async function outcome(name, word) {
  const client = new Client({ url });
  try {
    await client.bind(name, word);
    return 0;
  } catch (error) {
    return error.code;
  } finally {
    await client.unbind();
  }
}

const service = new Client({ url });
await service.bind(bind_dn, secret);
const seen = { wrong: await outcome(bind_dn, "wrong"), empty: await outcome(bind_dn, "") };

const equal = (attribute, value) => new EqualityFilter({ attribute, value });
const walked = await service.search(base, {
  scope: "sub", filter: "(objectClass=inetOrgPerson)", attributes: ["uid"], paged: { pageSize: page },
});
const names = walked.searchEntries.map((entry) => entry.dn);
seen.walk = [names.length, new Set(names).size];

const find = async (client, filter, where = base, scope = "sub") =>
  (await client.search(where, { scope, filter, attributes: ["*", "+"] })).searchEntries;
const [found] = await find(service, equal("cn", group));
seen.found = [found.cn, [found.member].flat().length];
const [again] = await find(service, new PresenceFilter({ attribute: "objectClass" }), found.dn, "base");
seen.again = again.cn;

const [user] = await find(service, new AndFilter({ filters: [equal("mail", address), equal("objectClass", "person")] }));
seen.user = [user.cn, user.sn, [user.memberOf].flat().length, Number(user.uidNumber) >= 100_000];
seen["of group"] = (await find(service, equal("memberOf", found.dn))).length;
seen.compare = [await service.compare(user.dn, "mail", address), await service.compare(user.dn, "mail", "nobody@example.com")];

const own = new Client({ url });
await own.bind(user.dn, password);
const classes = ["person", "groupOfNames"].map((name) => equal("objectClass", name));
seen.own = (await find(own, new OrFilter({ filters: classes }))).map((entry) => entry.cn).sort();
seen["by address"] = await outcome(address, password);
await own.unbind();
await service.unbind();
console.log(JSON.stringify(seen));
