#!/usr/bin/env bash
# Expected: a user that is read, changed in one attribute and updated keeps the others. PUT replaces the whole user, so a
# client must send back what it read (RFC 7644, 3.5.1).
# Found: PyPI's scim-client 0.2.3 reads a user into the attributes that it knows, and its update sends only these. Title,
# telephone numbers and nickname of the user are removed by the server when a program disables the user.
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

user = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "externalId": "E-1",
    "userName": "ann@example.com", "displayName": "Ann Lee", "active": True,
    "name": {"givenName": "Ann", "familyName": "Lee"}, "emails": [{"value": "ann@example.com", "type": "work"}],
    "title": "Head", "nickName": "Annie", "phoneNumbers": [{"value": "+44 1", "type": "work"}],
    "meta": {"resourceType": "User"},
}
sent = []


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        sent.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
        body = json.dumps(user).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
scim = SCIMClient(f"http://127.0.0.1:{server.server_port}", "token")
read = scim.read_user("1")
read.active = False
scim.update_user(read)
put = json.loads(sent[-1])
lost = sorted(set(user) - set(put))
print("scim-client 0.2.3 read: ", ", ".join(sorted(user)))
print("scim-client 0.2.3 sent: ", ", ".join(sorted(put)))
print("scim-client 0.2.3 lost: ", ", ".join(lost))
if lost != ["nickName", "phoneNumbers", "title"] or put["active"]:
    print("changed")
    sys.exit(1)
PY
