#!/usr/bin/env python3
"""Creates a user as the documented Python sample does: by requests, with the text of a dict for a body.

Usage: create_user.py KEYS ADDRESS [NAME]

Prints the body of the answer, whatever its status. Exits with 1 when the status is an error.
"""

import base64
import hmac
import json
import sys
import uuid
from datetime import datetime, timezone

import requests

PATH = "/api/user/create-user"


def signed_headers(keys):
    date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
    request_id = str(uuid.uuid4())
    text = f"{date}:{request_id}:{PATH}:{keys['app_key']}".encode()
    digest = hmac.digest(base64.b64decode(keys["secret_key"]), text, "sha1")
    # requests sends them in this order, after its own.
    return {
        "Authorization": f"MC {keys['access_key']}:{base64.b64encode(digest).decode()}",
        "x-mc-app-id": keys["app_id"],
        "x-mc-date": date,
        "x-mc-req-id": request_id,
        "Content-Type": "application/json",
    }


def main(keys_file, address, name="Ann Lee"):
    with open(keys_file, encoding="utf-8") as file:
        keys = json.load(file)
    user = {
        "emailAddress": address,
        "password": "Kestrel-41-over-the-weir",
        "accountCode": keys["account_code"],
        "forcePasswordChange": False,
        "name": name,
    }
    # Not JSON: single quotes, a bare False, Python's escapes. This is what the program is here for.
    body = str({"data": [user]})
    answer = requests.post(keys["base_url"] + PATH, headers=signed_headers(keys), data=body, timeout=60)
    print(answer.text)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
