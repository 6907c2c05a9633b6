"""Provisions users through scim-client, which sends null for what it does not know, JSON with a charset as the content type,
and 0 as the first index.

    scim_client_course.py KEYS

KEYS is a JSON file with base_url and token. Prints what each step was answered.
"""

import json
import sys
from urllib.error import HTTPError

from scim_client import SCIMClient, User

keys = json.load(open(sys.argv[1]))
scim = SCIMClient(keys["base_url"] + "/scim/v2", keys["token"])
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
seen = {}


def new(number, **more):
    address = f"u{number}@example.com"
    return User(
        id=None,
        external_id=f"E-{number}",
        user_name=address,
        active=True,
        display_name=f"Number {number}",
        name={"given_name": "Number", "family_name": str(number)},
        emails=[{"value": address, "type": "work", "primary": True}],
        **more,
    )


def refused(call, *arguments):
    try:
        call(*arguments)
    except HTTPError as error:
        body = json.load(error)
        return [error.code, body.get("scimType"), error.headers["Content-Type"]]
    return "done"


users = [scim.create_user(new(n)) for n in range(5)]
seen["created"] = [[user.user_name, user.external_id, user.display_name] for user in users]
seen["again"] = refused(scim.create_user, new(0))

extended = new(5, schemas=[User.CORE_SCHEMA, ENTERPRISE], enterprise_user={"department": "Sales", "cost_center": "7"})
extended = scim.create_user(extended)
seen["extended"] = [extended.schemas, vars(extended.enterprise_user)]

first = scim.read_user(users[0].id)
first.active, first.display_name, first.name.family_name = False, "Somebody", "Body"
first.user_name = "U0.Renamed@example.com"
changed = scim.update_user(first)
seen["changed"] = [changed.id == users[0].id, changed.user_name, changed.active, changed.display_name, changed.name.family_name]

found = scim.search_users('userName eq "U1@EXAMPLE.COM"')
seen["found"] = [found.total_results, found.start_index, found.resources[0].id == users[1].id]
seen["inactive"] = [user.user_name for user in scim.search_users("active eq false").resources]
pages, start = [], 0
while True:
    page = scim.search_users('externalId sw "E-"', count=4, start_index=start)
    if not page.resources:
        break
    pages.append([page.start_index, page.items_per_page, page.total_results])
    start = page.start_index + page.items_per_page
seen["pages"] = pages

gone = scim.delete_user(user=users[2])
seen["gone"] = [gone.status_code, refused(scim.read_user, users[2].id), refused(scim.delete_user, users[2].id)]
print(json.dumps(seen))
