"""Reads an LDIF file from each line of its input, in hex; prints its entries as JSON: names and values, in hex."""

import io
import json
import sys

import ldap
import ldif


class Entries(ldif.LDIFParser):
    def __init__(self, file):
        super().__init__(io.BytesIO(file))
        self.entries = []

    def handle(self, dn, entry):
        # The value of a file is left to the caller.
        pairs = [[name, (value or b"").hex()] for name, values in entry.items() for value in values]
        self.entries.append([["dn", dn.encode().hex()], *pairs])


print("python-ldap", ldap.__version__, flush=True)
for request in sys.stdin:
    _, file = request.split()
    entries = Entries(bytes.fromhex(file))
    try:
        entries.parse()
        answer = entries.entries
    except ValueError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
