"""Provisions users and groups through scim2-client, which validates every response against the schemas of the server.

    scim2_client_course.py KEYS

KEYS is a JSON file with base_url and token. The users are in example.com. Prints what each step was answered.
"""

import json
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import BulkOperation, BulkRequest, Error, PatchOp, PatchOperation, SearchRequest

keys = json.load(open(sys.argv[1]))
http = Client(base_url=keys["base_url"] + "/scim/v2", headers={"Authorization": "Bearer " + keys["token"]})
scim = SyncSCIMClient(http)
scim.discover()
User, Group = scim.get_resource_model("User"), scim.get_resource_model("Group")
Enterprise = User.get_extension_model("EnterpriseUser")
seen = {}


def emails(user):
    return [[email.value, email.type, email.primary] for email in user.emails or []]


def patch(resource, *operations):
    model = type(resource)
    operations = [PatchOperation[model](**operation) for operation in operations]
    return scim.modify(resource, PatchOp[model](operations=operations))


def names(answer):
    return [user.user_name for user in answer.resources]


new = User(
    user_name="Ann.Lee@example.com",
    external_id="E-1",
    display_name="Ann Lee",
    name=User.Name(given_name="Ann", family_name="Lee"),
    emails=[User.Emails(value="Ann.Lee@example.com", type="work", primary=True)],
    title="Head",
    active=True,
)
new[Enterprise] = Enterprise(department="Sales", employee_number="7")
ann = scim.create(new)
seen["created"] = [ann.user_name, ann[Enterprise].department, ann.meta.version == scim.query(User, ann.id).meta.version]
seen["again"] = str(scim.create(new, raise_scim_errors=False).scim_type)

ann = patch(
    ann,
    {"op": "replace", "path": "displayName", "value": "Ann Ray"},
    {"op": "add", "path": 'emails[type eq "home"].value', "value": "ann@home.example"},
    {"op": "add", "path": "emails", "value": [{"value": "a.ray@example.com", "type": "other", "primary": True}]},
    {"op": "remove", "path": "title"},
    {"op": "replace", "value": {"active": False, "name": {"familyName": "Ray"}}},
)
seen["patched"] = [ann.display_name, ann.name.given_name, ann.name.family_name, ann.active, ann.title, emails(ann)]

ann.title, ann.active = "Chief", True
ann = scim.replace(ann)
seen["replaced"] = [ann.title, ann.active, ann[Enterprise].employee_number, len(ann.emails)]

# An outdated version: the client sends If-Match by itself.
other = scim.query(User, ann.id)
patch(other, {"op": "replace", "path": "nickName", "value": "Annie"})
ann.title = "Lost"
late = scim.replace(ann, raise_scim_errors=False)
seen["late"] = [late.status if isinstance(late, Error) else late.title, scim.query(User, ann.id).title]

for n in range(7):
    scim.create(User(user_name=f"u{n}@example.com", display_name=f"Number {n}"))
filters = [
    'userName eq "ANN.LEE@example.com"',
    'externalId eq "E-1" and active eq true',
    'emails[type eq "other" and value sw "a.ray"]',
    'userName sw "u" and not (displayName ew "3" or displayName ew "4")',
]
seen["filters"] = [
    names(scim.query(User, query_parameters=SearchRequest(filter=text, attributes=["userName"]))) for text in filters
]

pages, start = [], 1
while True:
    page = scim.query(User, query_parameters=SearchRequest(filter='userName sw "u"', start_index=start, count=3))
    if not page.resources:
        break
    pages.append(names(page))
    start += page.items_per_page
seen["by index"] = [page.total_results, pages]

pages, cursor = [], ""
while cursor is not None:
    page = scim.query(User, query_parameters=SearchRequest(filter='userName sw "u"', cursor=cursor, count=3))
    pages.append(names(page))
    cursor = page.next_cursor
seen["by cursor"] = pages
found = scim.search(SearchRequest(filter='displayName eq "Number 5"'))
seen["searched"] = [names(found), len(found.resources)]

job = BulkRequest[User | Group](
    operations=[
        BulkOperation[Group](
            method="POST",
            path="/Groups",
            bulk_id="g",
            data=Group(display_name="Sales", members=[Group.Members(value="bulkId:b"), Group.Members(value=ann.id)]),
        ),
        BulkOperation[User](method="POST", path="/Users", bulk_id="b", data=User(user_name="bob@example.com")),
        BulkOperation[User](method="POST", path="/Users", bulk_id="x", data=User(user_name="x@elsewhere.example")),
    ]
)
done = scim.bulk(job)
seen["bulk"] = [[operation.bulk_id, operation.status] for operation in done.operations]
sales = scim.query(Group, query_parameters=SearchRequest(filter='displayName eq "Sales"')).resources[0]
bob = scim.query(User, query_parameters=SearchRequest(filter='userName eq "bob@example.com"')).resources[0]
seen["members"] = len({member.value for member in sales.members} & {ann.id, bob.id})
sales = patch(sales, {"op": "remove", "path": f'members[value eq "{bob.id}"]'})
seen["left"] = [member.value == ann.id for member in sales.members]
# Read again: the groups of a user are part of its version.
ann, bob = scim.query(User, ann.id), scim.query(User, bob.id)
seen["groups of"] = [[group.display for group in user.groups or []] for user in [ann, bob]]

scim.delete(sales)
scim.delete(bob)
seen["gone"] = [
    scim.query(model, resource.id, raise_scim_errors=False).status for model, resource in [(Group, sales), (User, bob)]
]
print(json.dumps(seen))
