"""Reads a CSV file from each line of its input, in hex; prints its records as JSON: the first line and the fields of each."""

import csv
import io
import json
import platform
import sys


def records(text, delimiter):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for fields in reader:
        yield [line, fields]
        line = reader.line_num + 1


print("CPython", platform.python_version(), flush=True)
for request in sys.stdin:
    delimiter, file = request.split()
    text = bytes.fromhex(file).decode("utf-8-sig")
    try:
        answer = list(records(text, chr(int(delimiter))))
    except csv.Error as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
