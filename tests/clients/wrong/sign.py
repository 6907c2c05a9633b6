#!/usr/bin/env python3
"""Signs a request with a mistake and sends it, as scripts do by accident. The standard library only.

Usage: sign.py KEYS MISTAKE

Prints the header x-matricula-explain of the answer; then the request that was sent, as HTTP.
"""

import base64
import hashlib
import hmac
import http.client
import json
import sys
import urllib.parse
import uuid
from datetime import datetime, timedelta, timezone

PATH = "/api/user/get-profile"
BODY = '{"data":[]}'


def main(keys_file, mistake):
    with open(keys_file, encoding="utf-8") as file:
        keys = json.load(file)
    now = datetime.now(timezone.utc)
    date = now.strftime("%a, %d %b %Y %H:%M:%S UTC")
    request_id = str(uuid.uuid4())
    access_key, app_id, app_key = keys["access_key"], keys["app_id"], keys["app_key"]
    secret = base64.b64decode(keys["secret_key"])
    host = urllib.parse.urlsplit(keys["base_url"]).netloc
    parts = [date, request_id, PATH, app_key]
    separator, hashed, encode = ":", "sha1", lambda digest: base64.b64encode(digest).decode()

    match mistake:
        case "none":
            pass
        case "secret_not_decoded":
            secret = keys["secret_key"].encode()
        case "secret_line_break":
            secret += b"\n"
        case "secret_is_app_key":
            secret = app_key.encode()
        case "app_key_is_app_id":
            parts[3] = app_id
        case "app_key_unset":
            parts[3] = str(keys.get("application_key"))
        case "path_url":
            parts[2] = keys["base_url"] + PATH
        case "path_trailing_slash":
            parts[2] = PATH + "/"
        case "date_iso_8601":
            parts[0] = now.isoformat(timespec="milliseconds")
        case "date_epoch":
            parts[0] = str(int(now.timestamp()))
        case "date_moment":
            parts[0] = (now - timedelta(seconds=3)).strftime("%a, %d %b %Y %H:%M:%S UTC")
        case "newline_joined":
            separator = "\n"
        case "order":
            parts = [request_id, date, PATH, app_key]
        case "sha_256":
            hashed = "sha256"
        case "signature_python_bytes":
            encode = base64.b64encode
        case "signature_hex":
            encode = bytes.hex
        case "text_python_bytes":
            parts = [str(":".join(parts).encode())]
        case "body_in_text":
            parts.append(BODY)
        case "plain_hash":
            pass
        case "clock_behind":
            date = (now - timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S UTC")
            parts[0] = date
        case "app_id_is_app_key":
            app_id = app_key
        case "two":
            # Two at once: not decoded, and another zone than is sent.
            secret = keys["secret_key"].encode()
            parts[0] = now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        case _:
            sys.exit(f"no mistake {mistake}")

    text = separator.join(parts).encode()
    digest = hmac.digest(secret, text, hashed)
    if mistake == "plain_hash":
        digest = hashlib.sha1(text + secret).digest()
    authorization = f"MC {access_key}:{encode(digest)}"
    headers = {
        "Authorization": authorization,
        "x-mc-app-id": app_id,
        "x-mc-date": date,
        "x-mc-req-id": request_id,
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", PATH, body=BODY, headers={**headers, "x-matricula-explain": "1"})
    print(connection.getresponse().getheader("x-matricula-explain"))
    print(f"POST {PATH} HTTP/1.1\nHost: {host}")
    for name, value in headers.items():
        print(f"{name}: {value}")
    print(f"\n{BODY}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
