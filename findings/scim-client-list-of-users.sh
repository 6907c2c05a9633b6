#!/usr/bin/env bash
# Expected: a list of users is read although one of them lacks a display name or an external id, or has an honorific
# prefix. Of the attributes of a user, only id and userName are required (RFC 7643, 4.1).
# Found: PyPI's scim-client 0.2.3 raises a TypeError for the whole list. One user whom the provider did not create, such as
# the first administrator of a directory, stops every program that lists users.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scim-client==0.2.3
"$folder/venv/bin/python" - <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from scim_client import SCIMClient

full = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "externalId": "E-1",
    "userName": "ann@example.com", "displayName": "Ann Lee", "active": True,
    "name": {"givenName": "Ann", "familyName": "Lee"}, "emails": [{"value": "ann@example.com"}],
}
users = []


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        schemas = ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
        body = {"schemas": schemas, "totalResults": 2, "itemsPerPage": 2, "startIndex": 1, "Resources": [full, *users]}
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
scim = SCIMClient(f"http://127.0.0.1:{server.server_port}", "token")


def listed(what, other):
    users[:] = [{**other, "id": "2", "userName": "bob@example.com"}]
    try:
        result = f"{len(scim.search_users('userName pr').resources)} users"
    except TypeError as error:
        result = f"TypeError: {error}"
    print(f"scim-client 0.2.3, {what}: {result}")
    return result


without = {name: value for name, value in full.items() if name not in ("displayName", "externalId")}
titled = {**full, "name": {**full["name"], "honorificPrefix": "Dr"}}
results = [
    listed("two full users", full),
    listed("one without displayName and externalId", without),
    listed("one with name.honorificPrefix", titled),
]
if results[0] != "2 users" or not all(result.startswith("TypeError") for result in results[1:]):
    print("changed")
    sys.exit(1)
PY
