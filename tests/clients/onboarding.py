"""A runbook that brings a person on board and off again, with a token and the classic endpoints.

    onboarding.py KEYS ADDRESS

KEYS is a JSON file with base_url, client_id and client_secret. Prints what each step found.
"""

import json
import sys

import requests

keys = json.load(open(sys.argv[1]))
address = sys.argv[2]
domain = address.split("@")[1]
form = {"grant_type": "client_credentials"}
credentials = (keys["client_id"], keys["client_secret"])
token = requests.post(keys["base_url"] + "/oauth/token", data=form, auth=credentials).json()["access_token"]


def call(path, *items):
    answer = requests.post(
        keys["base_url"] + path, json={"data": list(items)}, headers={"Authorization": "Bearer " + token}
    )
    answer.raise_for_status()
    return answer.json()


def words(answer):
    return " ".join(error["message"] for failure in answer["fail"] for error in failure["errors"])


def found(user):
    """True, False, or the reason why nothing can be said."""
    answer = call("/api/user/get-profile", {"emailAddress": user})
    if not answer["fail"]:
        return True
    return False if "no such user" in words(answer) else words(answer)


seen = {}
# On board: is there a directory to synchronise with, and is the user there already?
seen["connections"] = call("/api/directory/get-connection")["data"]
seen["synchronised"] = call("/api/directory/execute-sync")["data"]
# An address that every domain has tells a missing user from a missing permission.
seen["may read"] = found("postmaster@" + domain)
seen["there before"] = found(address)
user = {"emailAddress": address, "name": "Ann Lee", "forcePasswordChange": True, "password": "Harbour-Lights-4711"}
seen["created"] = [row["emailAddress"] for row in call("/api/user/create-user", user)["data"]]
seen["there now"] = found(address)
domains = call("/api/domain/get-internal-domain")["data"]
seen["domain"] = domain in [row["domain"] for row in domains]

group = call("/api/directory/create-group", {"description": "Newcomers"})["data"][0]["id"]
call("/api/directory/add-group-member", {"id": group, "emailAddress": address})

# Off board: out of every group that the runbook names.
for name in ["Newcomers", "Nobody has this name"]:
    folders = call("/api/directory/find-groups", {"query": name})["data"][0]["folders"]
    for folder in folders:
        call("/api/directory/remove-group-member", {"id": folder["id"], "emailAddress": address})
        members = call("/api/directory/get-group-members", {"id": folder["id"]})["data"][0]["groupMembers"]
        seen["still a member"] = address in [member["emailAddress"] for member in members]
    seen["groups called " + name] = len(folders)
call("/api/user/update-user", {"emailAddress": address, "accountDisabled": True})
print(json.dumps(seen))
