"""A client under test: as small as one can be."""

import base64
import datetime
import hashlib
import hmac
import uuid

import requests


class Client:
    def __init__(self, keys):
        self.keys = keys

    def post(self, path, *items, attempts=3):
        """Signs and sends; sends again, with the same request id, what got no answer or was refused for the moment."""
        request_id = str(uuid.uuid4())
        for attempt in range(1, attempts + 1):
            try:
                answer = requests.post(
                    self.keys["base_url"] + path, json={"data": items}, headers=self.headers(path, request_id), timeout=10
                )
            except requests.ConnectionError:
                if attempt == attempts:
                    raise
                continue
            if answer.status_code not in (429, 503) or attempt == attempts:
                return answer
        raise AssertionError("unreachable")

    def headers(self, path, request_id):
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S UTC")
        text = f"{date}:{request_id}:{path}:{self.keys['app_key']}"
        digest = hmac.new(base64.b64decode(self.keys["secret_key"]), text.encode(), hashlib.sha1).digest()
        return {
            "Authorization": f"MC {self.keys['access_key']}:{base64.b64encode(digest).decode()}",
            "x-mc-date": date,
            "x-mc-req-id": request_id,
            "x-mc-app-id": self.keys["app_id"],
        }
