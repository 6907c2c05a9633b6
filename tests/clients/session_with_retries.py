#!/usr/bin/env python3
"""Creates users by a requests.Session that repeats calls by itself, as integrations are told to set one up: urllib3's Retry,
also for POST, on 429 and 503. What is repeated is the same signed request.

Usage: session_with_retries.py KEYS PREFIX

The server is to serve one request at a time (limits.in_flight = 1), and one call a second of a user (quota). The program keeps
the server busy until its first call was refused for that, then goes on until one was refused for the quota. Every call must
have come to a user all the same. Prints the addresses that were created, and the statuses on which calls were repeated.
"""

import base64
import hmac
import json
import os
import socket
import ssl
import sys
import uuid
from datetime import datetime, timezone
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

PATH = "/api/user/create-user"


def signed_headers(keys):
    date = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
    request_id = str(uuid.uuid4())
    text = f"{date}:{request_id}:{PATH}:{keys['app_key']}".encode()
    digest = hmac.digest(base64.b64decode(keys["secret_key"]), text, "sha1")
    return {
        "Authorization": f"MC {keys['access_key']}:{base64.b64encode(digest).decode()}",
        "x-mc-app-id": keys["app_id"],
        "x-mc-date": date,
        "x-mc-req-id": request_id,
        "Content-Type": "application/json",
    }


def occupy(keys):
    """A request that takes nearly all the room there is for bodies, and whose last byte does not come."""
    url = urlsplit(keys["base_url"])
    context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    connection = context.wrap_socket(
        socket.create_connection((url.hostname, url.port)), server_hostname=url.hostname
    )
    headers = {"Host": url.netloc, "Expect": "100-continue", "Content-Length": "1000", **signed_headers(keys)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection.sendall(f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode())
    leave = connection.recv(64)
    assert leave.startswith(b"HTTP/1.1 100 "), leave
    connection.sendall(b" " * 999)
    return connection


class Obliging(Retry):
    """Before it waits to repeat a call for which there was no room, it ends what the server is busy with."""

    occupant = None

    def sleep(self, response=None):
        if Obliging.occupant and response is not None and response.status == 503:
            Obliging.occupant.close()
            Obliging.occupant = None
        super().sleep(response)


def main(keys_file, prefix):
    with open(keys_file, encoding="utf-8") as file:
        keys = json.load(file)
    session = requests.Session()
    retry = Obliging(total=20, status_forcelist=[429, 503], allowed_methods={"POST"})
    session.mount("https://", HTTPAdapter(max_retries=retry))
    Obliging.occupant = occupy(keys)
    created, repeated = [], set()
    while repeated != {429, 503} or len(created) < 2:
        user = {"emailAddress": f"{prefix}{len(created)}@{keys['domain']}"}
        answer = session.post(keys["base_url"] + PATH, headers=signed_headers(keys), json={"data": [user]})
        answer.raise_for_status()
        created += [row["emailAddress"] for row in answer.json()["data"]]
        repeated |= {step.status for step in answer.raw.retries.history}
    print(json.dumps({"created": created, "repeated": sorted(repeated)}))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
