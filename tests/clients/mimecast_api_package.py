#!/usr/bin/env python3
"""Calls the server through the PyPI package mimecast-api, unmodified, by what it offers to its users.

Usage: mimecast_api_package.py KEYS ADDRESS [EXPIRED_KEYS]

Creates a user, and again; then calls with a wrong secret, with a wrong application id, with keys that are past their life
if there is a file of such, and an endpoint that the server does not have. Prints, as JSON, what the package made of each.
Exits with 1 when that is not what was to be expected.
"""

import base64
import json
import sys

import mimecast_api
from mimecast_api.post_rest import simple_exchange

PATH = "/api/user/create-user"


class Failed(Exception):
    """The server, as seen through the package, does not behave as the service does."""


def expect(holds, what, found):
    if not holds:
        raise Failed(f"{what}, but the package shows {found!r}")


def refused(call):
    """The answer that the package found a failure in. Whatever else it throws is a failure of ours."""
    try:
        result = call()
    except mimecast_api.MimecastAPIFail as error:
        return error.args[0]
    raise Failed(f"expected MimecastAPIFail, but the package returned {result!r}")


def code(answer):
    return answer["fail"][0]["errors"][0]["code"]


def read(keys_file):
    with open(keys_file, encoding="utf-8") as file:
        keys = json.load(file)
    return {name: keys[name] for name in ("base_url", "access_key", "secret_key", "app_id", "app_key")}


def main(keys_file, address, expired_keys_file=None):
    keys = read(keys_file)
    payload = {"data": [{"emailAddress": address, "name": "Ann Lee", "forcePasswordChange": False}]}

    def create(**changed):
        return simple_exchange(**{**keys, **changed}, uri=PATH, payload=payload)

    created = create()
    expect([row["emailAddress"] for row in created] == [address], "expected one row with the address", created)
    expect(created[0]["id"], "expected an id", created)

    duplicate = refused(create)
    expect(code(duplicate) == "err_user_already_exists", "expected the code of a duplicate", duplicate)
    expect(duplicate["meta"] == {"status": 200}, "expected status 200 where an item is refused", duplicate)

    wrong_secret = base64.b64encode(bytes(64)).decode()
    unsigned = refused(lambda: create(secret_key=wrong_secret))
    expect(code(unsigned) == "err_xdk_invalid_signature", "expected the code of a bad signature", unsigned)
    expect(unsigned["meta"] == {"status": 401}, "expected status 401", unsigned)

    unknown = refused(lambda: create(app_id="no-such-application"))
    expect(code(unknown) == "err_developer_key", "expected the code of an unknown application", unknown)
    expect(unknown["meta"] == {"status": 200}, "expected the recorded status 200", unknown)

    expired = None
    if expired_keys_file:
        expired = refused(lambda: create(**read(expired_keys_file)))
        expect(code(expired) == "err_xdk_binding_expired", "expected the code of expired keys", expired)
        expect(expired["meta"] == {"status": 418}, "expected status 418", expired)

    # What the package was written for is not served. Its user should see a refusal, not a parser's error.
    api = mimecast_api.MimecastAPI(**keys)
    absent = refused(lambda: api.decode_url("https://protect.example.com/s/x"))
    expect(code(absent) == "err_xdk_unknown_path", "expected the code of an unknown path", absent)

    steps = {
        "created": created,
        "duplicate": duplicate,
        "wrong_secret": unsigned,
        "wrong_app_id": unknown,
        "expired": expired,
        "absent": absent,
    }
    print(json.dumps(steps))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except Failed as error:
        sys.exit(str(error))
