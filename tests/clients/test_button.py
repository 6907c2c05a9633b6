"""The button "test connection" of platforms for security operations: the list of managed URLs, signed or with a token. Green
means the envelope with `meta.status` 200 and a page.

    test_button.py KEYS

KEYS is a JSON file with base_url, app_id, app_key, access_key, secret_key, client_id and client_secret. Prints what each
button showed: with good keys, and with bad ones.
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
PATH = "/api/ttp/url/get-all-managed-urls"


def signed(secret_key):
    date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
    request_id = str(uuid.uuid4())
    text = ":".join([date, request_id, PATH, keys["app_key"]])
    digest = hmac.new(base64.b64decode(secret_key), text.encode(), hashlib.sha1).digest()
    return {
        "Authorization": "MC " + keys["access_key"] + ":" + base64.b64encode(digest).decode(),
        "x-mc-app-id": keys["app_id"],
        "x-mc-date": date,
        "x-mc-req-id": request_id,
    }


def token(client_secret):
    form = {"client_id": keys["client_id"], "client_secret": client_secret, "grant_type": "client_credentials"}
    answer = requests.post(keys["base_url"] + "/oauth/token", data=form).json()
    # Connectors look for the refusal where the other endpoints have it, and trip over an answer without it.
    if answer.get("fail"):
        return answer["fail"][0]["message"], None
    return None, {"Authorization": "Bearer " + answer["access_token"]}


def button(headers, body):
    answer = requests.post(keys["base_url"] + PATH, headers=headers, data=body).json()
    if answer["meta"]["status"] != 200 or answer["fail"]:
        return answer["fail"][0]["errors"][0]["message"]
    return {"urls": len(answer["data"]), "page": answer["meta"].get("pagination")}


first_page = {"meta": {"pagination": {"pageSize": 1, "pageToken": None}}, "data": [{}]}
seen = {
    "signed": button(signed(keys["secret_key"]), str(first_page)),
    "no page": button(signed(keys["secret_key"]), json.dumps({"data": []})),
    "wrong secret": button(signed("bm90IHRoZSBzZWNyZXQ="), str(first_page)),
}
_, bearer = token(keys["client_secret"])
seen["token"] = button(bearer, json.dumps(first_page))
seen["wrong token secret"], _ = token("not the secret")
print(json.dumps(seen))
