"""What a tool for infrastructure as code does with an account, with nothing but the standard library: a token, every list to
its end, and the life of a group: created, read back, filled, renamed, emptied, deleted, and gone.

    new_style_walk.py KEYS

KEYS is a JSON file with base_url, client_id and client_secret. Prints what it saw.
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

keys = json.load(open(sys.argv[1]))


def send(method, path, body, headers):
    request = urllib.request.Request(keys["base_url"] + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


form = {"grant_type": "client_credentials", "client_id": keys["client_id"], "client_secret": keys["client_secret"]}
status, token = send("POST", "/oauth/token", urllib.parse.urlencode(form).encode(), {})
assert status == 200 and token["token_type"] == "Bearer" and token["expires_in"] > 0, token
bearer = {"Authorization": "Bearer " + token["access_token"], "Accept": "application/json"}


def get(path, **query):
    return send("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""), None, bearer)


def post(path, body):
    headers = {**bearer, "Content-Type": "application/json"}
    status, answer = send("POST", path, json.dumps(body).encode(), headers)
    assert not answer.get("fail"), answer
    return status, answer


def every(path, rows):
    found, token = [], None
    while True:
        query = {"pageSize": 2} if token is None else {"pageSize": 2, "pageToken": token}
        status, page = get(path, **query)
        assert status == 200, page
        found += page[rows]
        token = page["meta"].get("pagination", {}).get("next")
        if not token:
            return found


seen = {"account": get("/identity/whoami")[1]["account-codes"]["cg"]}
seen["summary"] = post("/api/account/get-account", {"data": [{}]})[1]["data"][0]["accountCode"]
seen["packages"] = len(post("/api/provisioning/get-packages", {"data": [{}]})[1]["data"])
seen["contact"] = get("/account/cloud-gateway/v1/emergency-contact")[0]
seen["users"] = [user["emailAddress"] for user in every("/user/cloud-gateway/v1/users", "users")]
seen["roles"] = len(every("/role/cloud-gateway/v1/roles", "roles"))
for kind in ["internal", "pending", "external"]:
    found = every("/domain/cloud-gateway/v1/" + kind + "-domains", "domains")
    seen[kind] = [domain["domain"] for domain in found]

groups = "/directory/cloud-gateway/v1/groups"
created, answer = post(groups, {"description": "Engineering"})
one = groups + "/" + urllib.parse.quote(answer["id"], safe="")
seen["created"] = created
seen["group"] = {name: value for name, value in get(one)[1].items() if name not in ("id", "parentId")}
seen["listed"] = answer["id"] in [group["id"] for group in every(groups, "groups")]

members = [{"emailAddress": seen["users"][0], "note": "first"}, {"domain": "partner.example"}]
results = post(one + "/members", {"groupMembers": members})[1]["results"]
seen["added"] = [result["success"] for result in results]
seen["members"] = [member.get("emailAddress") or member["domain"] for member in every(one + "/members", "groupMembers")]

post("/api/directory/update-group", {"data": [{"id": answer["id"], "description": "Platform"}]})
seen["renamed"] = get(one)[1]["description"]
results = post(one + "/remove-members", {"groupMembers": [{"domain": "partner.example"}]})[1]["results"]
seen["removed"] = [result["success"] for result in results]
seen["left"] = len(every(one + "/members", "groupMembers"))
post("/api/directory/delete-group", {"data": [{"id": answer["id"]}]})
seen["gone"] = get(one)[0]
print(json.dumps(seen))
