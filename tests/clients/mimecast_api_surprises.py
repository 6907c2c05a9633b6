#!/usr/bin/env python3
"""What the PyPI package mimecast-api 0.5 makes of valid answers that its users do not expect.

Usage: mimecast_api_surprises.py KEYS PREFIX

Prints, as JSON: a call whose base URL has a path, a call of which one item is refused, and a call through a redirect to
another port, with the headers that came there.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import mimecast_api
from mimecast_api.post_rest import simple_exchange

PATH = "/api/user/create-user"

with open(sys.argv[1], encoding="utf-8") as file:
    keys = json.load(file)
given = {name: keys[name] for name in ("base_url", "access_key", "secret_key", "app_id", "app_key")}


def create(base_url, *addresses):
    payload = {"data": [{"emailAddress": address} for address in addresses]}
    return simple_exchange(**{**given, "base_url": base_url}, uri=PATH, payload=payload)


class Redirect(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(308)
        self.send_header("Location", keys["base_url"] + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


prefix = sys.argv[2]
steps = {}
# The path of a base URL is not part of what is signed and requested.
steps["prefixed"] = create(keys["base_url"] + "/tenants/1", f"{prefix}-prefixed@example.com")
try:
    create(keys["base_url"], f"{prefix}-good@example.com", "no address")
    steps["mixed"] = None
except mimecast_api.MimecastAPIFail as error:
    steps["mixed"] = error.args[0]
redirect = HTTPServer(("127.0.0.1", 0), Redirect)
threading.Thread(target=redirect.serve_forever, daemon=True).start()
try:
    create(f"http://127.0.0.1:{redirect.server_port}", f"{prefix}-redirected@example.com")
    steps["redirected"] = None
except mimecast_api.MimecastAPIFail as error:
    steps["redirected"] = error.args[0]
print(json.dumps(steps))
