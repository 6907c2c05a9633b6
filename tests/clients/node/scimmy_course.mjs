// Provisions users and a group with the messages, schemas and filters of SCIMMY, sent by fetch.
//
//   node scimmy_course.mjs KEYS
//
// KEYS is a JSON file with base_url and token. Prints what each step was answered.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import SCIMMY from "scimmy";

const { Messages, Schemas, Types } = SCIMMY;
const keys = JSON.parse(readFileSync(process.argv[2], "utf8"));
Schemas.declare(Schemas.User.definition.extend(Schemas.EnterpriseUser.definition));
const seen = {};

async function call(method, path, message) {
  const answer = await fetch(`${keys.base_url}/scim/v2${path}`, {
    method,
    headers: { Authorization: `Bearer ${keys.token}`, "Content-Type": "application/scim+json" },
    body: message && JSON.stringify(message),
  });
  const body = answer.status === 204 ? undefined : await answer.json();
  // Throws what it reads, or a TypeError for what is no error message of SCIM.
  if (!answer.ok) new Messages.ErrorResponse(body);
  assert.ok(answer.ok, `${answer.status} was not thrown`);
  return body;
}

// A read resource must fit the schema of the library.
const user = body => new Schemas.User(body, "out");
const group = body => new Schemas.Group(body, "out");
const patch = operations => new Messages.PatchOp({ schemas: [Messages.PatchOp.id], Operations: operations });
const refusal = promise => promise.then(
  () => "done", error => error instanceof Types.Error ? [Number(error.status), error.scimType ?? null] : Promise.reject(error));

async function list(kind, filter, more = "") {
  const { expression } = new Types.Filter(filter);
  const answer = await call("GET", `/${kind}?filter=${encodeURIComponent(expression)}${more}`);
  return new Messages.ListResponse(answer);
}

const ENTERPRISE = Schemas.EnterpriseUser.id;
const ann = new Schemas.User({
  schemas: [Schemas.User.id, ENTERPRISE],
  userName: "Ann.Lee@example.com",
  externalId: "E-1",
  displayName: "Ann Lee",
  name: { givenName: "Ann", familyName: "Lee" },
  emails: [{ value: "Ann.Lee@example.com", type: "work", primary: true }],
  active: true,
  [ENTERPRISE]: { department: "Sales" },
}, "in");
const created = user(await call("POST", "/Users", ann));
seen.created = [created.userName, created.externalId, created[ENTERPRISE].department];
seen.again = await refusal(call("POST", "/Users", ann));

const path = `/Users/${created.id}`;
const patched = user(await call("PATCH", path, patch([
  { op: "Replace", path: "displayName", value: "Ann Ray" },
  { op: "add", path: "emails[type eq \"home\"].value", value: "ann@home.example" },
  { op: "replace", value: { "name.familyName": "Ray", active: "False", [`${ENTERPRISE}:department`]: "Support" } },
])));
seen.patched = [
  patched.displayName, patched.name.familyName, patched.active, patched[ENTERPRISE].department,
  patched.emails.map(({ value, type }) => [value, type]),
];
seen.path = await refusal(call("PATCH", path, patch([{ op: "replace", path: "emails[value sw \"no\"].type", value: "x" }])));

// What is read can be sent back.
const whole = JSON.parse(JSON.stringify(patched));
whole.title = "Head";
whole.active = true;
const replaced = user(await call("PUT", path, whole));
seen.replaced = [replaced.title, replaced.active, replaced.emails.length];

for (let n = 0; n < 5; n++) await call("POST", "/Users", new Schemas.User({ userName: `u${n}@example.com` }, "in"));
// An object becomes the text of a filter.
const filters = [
  { userName: ["eq", "ANN.LEE@example.com"] },
  { externalId: ["eq", "E-1"], active: ["eq", true] },
  { name: { familyName: ["sw", "R"] }, emails: { type: ["eq", "home"] } },
  { userName: ["sw", "u"], id: ["pr"] },
];
seen.filters = [];
for (const filter of filters) {
  const { expression } = new Types.Filter(filter);
  seen.filters.push([expression, (await list("Users", filter)).Resources.map(({ userName }) => userName)]);
}
seen.pages = [];
for (let start = 1; ;) {
  const page = await list("Users", "userName sw \"u\"", `&startIndex=${start}&count=2`);
  if (page.Resources.length === 0) break;
  seen.pages.push([page.startIndex, page.itemsPerPage, page.totalResults]);
  start += page.itemsPerPage;
}
const search = new Messages.SearchRequest({
  schemas: [Messages.SearchRequest.id], filter: "userName eq \"u3@example.com\"", attributes: ["userName"], count: 5,
});
const found = new Messages.ListResponse(await call("POST", "/.search", search));
seen.searched = found.Resources.map(({ userName, displayName }) => [userName, displayName ?? null]);

const bulk = new Messages.BulkRequest({
  schemas: [Messages.BulkRequest.id],
  Operations: [
    { method: "POST", path: "/Groups", bulkId: "g", data: { displayName: "Sales", members: [{ value: "bulkId:b" }, { value: created.id }] } },
    { method: "POST", path: "/Users", bulkId: "b", data: { userName: "bob@example.com" } },
    { method: "POST", path: "/Users", bulkId: "x", data: { userName: "x@elsewhere.example" } },
  ],
});
const done = new Messages.BulkResponse(await call("POST", "/Bulk", bulk));
seen.bulk = done.Operations.map(({ bulkId, status }) => [bulkId, status]);
const locations = done.resolve();
seen.resolved = [...locations].map(([bulkId, location]) => [bulkId, typeof location === "string"]);

const [sales] = (await list("Groups", { displayName: ["eq", "sales"] })).Resources.map(group);
const [bob] = (await list("Users", { userName: ["eq", "bob@example.com"] })).Resources.map(user);
seen.members = [sales.members.length, sales.members.some(({ value }) => value === bob.id)];
const left = group(await call("PATCH", `/Groups/${sales.id}`, patch([{ op: "remove", path: `members[value eq "${bob.id}"]` }])));
seen.left = left.members.map(({ value }) => value === created.id);

await call("DELETE", `/Groups/${sales.id}`);
await call("DELETE", `/Users/${bob.id}`);
seen.gone = [await refusal(call("GET", `/Groups/${sales.id}`)), await refusal(call("GET", `/Users/${bob.id}`))];
console.log(JSON.stringify(seen));
