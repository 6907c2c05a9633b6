"""Runs Schemathesis over every endpoint of a sandbox: KEYS, and how many calls it makes up for each.

A good token or password goes along wherever an endpoint takes one: what is tried is what comes behind.
"""

import base64
import json
import os
import sys

import requests

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
]
EXAMPLES = os.environ.get("MATRICULA_SCHEMATHESIS_EXAMPLES", "10")

with open(sys.argv[1], encoding="utf-8") as file:
    keys = json.load(file)
url = keys["base_url"]

form = {"grant_type": "client_credentials"} | {name: keys[name] for name in ("client_id", "client_secret")}
answer = requests.post(f"{url}/oauth/token", data=form, timeout=60)
answer.raise_for_status()
token = answer.json()["access_token"]
password = base64.b64encode(f"{keys['email']}:{keys['password']}".encode()).decode()

with open("schemathesis.toml", "w", encoding="utf-8") as file:
    file.write(
        f'[auth.openapi.token]\nbearer = "{token}"\n'
        f'[auth.openapi.password]\napi_key = "Basic-Cloud {password}"\n'
        f'[parameters]\n"header.x-mc-app-id" = "{keys["app_id"]}"\n'
    )

# By number, not by time: the same seed makes the same calls.
arguments = ["--seed", "1", "--max-examples", EXAMPLES, "--checks", ",".join(CHECKS)]
program = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"]
os.execv(sys.executable, [*program, "run", f"{url}/openapi.json", *arguments])
