#!/usr/bin/env python3
"""Asks for a token with Authlib, in each of its ways to send credentials, and calls with it.

Usage: authlib_token.py KEYS ADDRESS

Prints, for each way, the type of the token and the account that it reads.
"""

import json
import sys

from authlib.integrations.requests_client import OAuth2Session

with open(sys.argv[1], encoding="utf-8") as file:
    keys = json.load(file)

read = {}
for way in ["client_secret_basic", "client_secret_post"]:
    session = OAuth2Session(keys["client_id"], keys["client_secret"], token_endpoint_auth_method=way)
    token = session.fetch_token(keys["base_url"] + "/oauth/token", grant_type="client_credentials")
    account = session.post(keys["base_url"] + "/api/account/get-account", json={"data": []}).json()["data"][0]
    read[way] = [token["token_type"], account["accountCode"]]
print(json.dumps(read))
