#!/usr/bin/env python3
"""Calls beyond the quota by httpx with httpx-retries, which repeats a refused call by itself once it may repeat a POST.

Usage: httpx_retries_client.py KEYS PREFIX

The server is to allow one call per second. Prints the addresses that were created.
"""

import base64
import hmac
import json
import os
import ssl
import sys
import uuid
from datetime import datetime, timezone

import httpx
from httpx_retries import Retry, RetryTransport

PATH = "/api/user/create-user"

with open(sys.argv[1], encoding="utf-8") as file:
    keys = json.load(file)


def signed_headers():
    date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
    request_id = str(uuid.uuid4())
    text = f"{date}:{request_id}:{PATH}:{keys['app_key']}".encode()
    digest = hmac.digest(base64.b64decode(keys["secret_key"]), text, "sha1")
    return {
        "Authorization": f"MC {keys['access_key']}:{base64.b64encode(digest).decode()}",
        "x-mc-app-id": keys["app_id"],
        "x-mc-date": date,
        "x-mc-req-id": request_id,
    }


trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
retry = Retry(total=5, allowed_methods=["POST"], status_forcelist=[429])
transport = RetryTransport(transport=httpx.HTTPTransport(verify=trust), retry=retry)
created = []
with httpx.Client(transport=transport) as client:
    for number in range(2):
        user = {"emailAddress": f"{sys.argv[2]}{number}@{keys['domain']}"}
        answer = client.post(keys["base_url"] + PATH, headers=signed_headers(), json={"data": [user]})
        answer.raise_for_status()
        created += [row["emailAddress"] for row in answer.json()["data"]]
print(json.dumps(created))
