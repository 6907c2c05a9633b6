"""The whole course of an integration, as scripts of the field write it: no library but requests, every body the text of a
dict, from the discovery of the region to the logout. It knows an application, an address and a password, and no keys.

    course.py KEYS ADDRESS

KEYS is a JSON file with base_url, app_id, app_key, email and password. Prints what every step was answered.
"""

import base64
import hashlib
import hmac
import json
import sys
import uuid
from datetime import datetime, timezone

import requests

keys = json.load(open(sys.argv[1]))
address = sys.argv[2]
steps = {}


def unsigned(path, data, headers=None):
    everything = {"x-mc-app-id": keys["app_id"], **(headers or {})}
    return requests.post(keys["base_url"] + path, data=str({"data": data}), headers=everything)


def call(path, data, meta=None):
    date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
    request_id = str(uuid.uuid4())
    text = ":".join([date, request_id, path, keys["app_key"]])
    digest = hmac.new(base64.b64decode(secret_key), text.encode(), hashlib.sha1).digest()
    headers = {
        "Authorization": "MC " + access_key + ":" + base64.b64encode(digest).decode(),
        "x-mc-app-id": keys["app_id"],
        "x-mc-date": date,
        "x-mc-req-id": request_id,
        "Content-Type": "application/json",
    }
    body = {"data": data} if meta is None else {"meta": meta, "data": data}
    return requests.post(url=region + path, headers=headers, data=str(body))


found = unsigned("/api/login/discover-authentication", [{"emailAddress": keys["email"]}]).json()
steps["discovered"] = found
# What stands behind the slashes, and a scheme of the client's own: whatever the server names, they speak HTTPS.
region = "https://" + found["data"][0]["region"]["api"].split("//")[1]

password = base64.b64encode((keys["email"] + ":" + keys["password"]).encode()).decode()
basic = {"Authorization": "Basic-Cloud " + password}
login = unsigned("/api/login/login", [{"userName": keys["email"]}], basic).json()
steps["logged_in"] = sorted(login["data"][0])
access_key, secret_key = login["data"][0]["accessKey"], login["data"][0]["secretKey"]

account = call("/api/account/get-account", []).json()["data"][0]
steps["account"] = {name: account[name] for name in ["accountCode", "accountName", "region", "type", "packages"]}
steps["domains"] = call("/api/domain/get-internal-domain", []).json()

user = {"emailAddress": address, "name": "Ann O'Brien", "password": None, "forcePasswordChange": False}
steps["created"] = call("/api/user/create-user", [user]).json()
steps["read"] = call("/api/user/update-user", [{"emailAddress": address}]).json()
steps["locked"] = call("/api/user/update-user", [{"emailAddress": address, "accountLocked": True}]).json()
steps["profile"] = call("/api/user/get-profile", [{"emailAddress": address, "showAvatar": False}]).json()

users, meta = [], {"pagination": {"pageSize": 1, "pageToken": ""}}
while True:
    page = call("/api/user/get-internal-users", [], meta).json()
    users += page["data"][0]["users"]
    try:
        meta = {"pagination": {"pageSize": 1, "pageToken": page["meta"]["pagination"]["next"]}}
    except KeyError:
        break
steps["users"] = [user["emailAddress"] for user in users]

group = call("/api/directory/create-group", [{"description": "Everybody"}]).json()["data"][0]
member = {"id": group["id"], "emailAddress": address}
steps["added"] = call("/api/directory/add-group-member", [member]).json()["fail"]
steps["added_again"] = call("/api/directory/add-group-member", [member]).json()["fail"]
found = call("/api/directory/find-groups", [{"query": "every", "source": "cloud"}]).json()["data"][0]
steps["folders"] = [folder["description"] for folder in found["folders"]]
members = call("/api/directory/get-group-members", [{"id": group["id"]}]).json()["data"][0]["groupMembers"]
steps["members"] = [member["emailAddress"] for member in members]
steps["removed"] = call("/api/directory/remove-group-member", [member]).json()["fail"]

prolonged = unsigned("/api/login/login", [{"userName": keys["email"], "accessKey": access_key}], basic).json()
steps["prolonged"] = prolonged["data"][0]["accessKey"] == access_key
steps["logged_out"] = call("/api/login/logout", [{"accessKey": access_key}]).status_code
steps["afterwards"] = call("/api/account/get-account", []).status_code
print(json.dumps(steps))
