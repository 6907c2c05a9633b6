"""Prints CSV files and what CPython's csv module reads from them: the file in hex, a space, the rows as JSON in hex."""

import csv
import io
import json
import random
import sys

LETTERS = "abcÄßéŁ€ 0'\"\",;|\t.#=+-"


def text(rnd, breaks):
    letters = LETTERS + ("\n" if breaks else "")
    inner = "".join(rnd.choice(letters) for _ in range(rnd.randrange(12)))
    # Blanks at the ends are trimmed in unquoted fields only.
    return "x" + inner + "x"


def main(seed, count):
    rnd = random.Random(seed)
    for _ in range(count):
        delimiter = rnd.choice(",;\t|")
        end = rnd.choice(["\n", "\r\n"])
        quoting = rnd.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC])
        rows = [["email", "name", "password"]]
        for number in range(rnd.randrange(6)):
            rows.append([f"u{number}@example.com", text(rnd, True), text(rnd, False)])
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)
        written = out.getvalue()
        read = list(csv.reader(io.StringIO(written, newline=""), delimiter=delimiter))[1:]
        print(written.encode().hex(), json.dumps(read).encode().hex())


main(int(sys.argv[1]), int(sys.argv[2]))
