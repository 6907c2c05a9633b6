"""Writes random values as Python's str does, with what they mean.

Arguments: seed, number of values. Each line of the output has two fields in hex, split by a blank: the text that a client
which sends str(payload) would send, and the JSON of ast.literal_eval(text).
"""

import ast
import json
import random
import struct
import sys

ALPHABETS = [
    "abcXYZ 019",
    "'",
    '"',
    "'\"\\/",
    "\\nrtbfxuU0'\"",
    "".join(map(chr, range(0x20))) + "\x7f",
    "".join(map(chr, range(0x80, 0x100))),
    "\u0100\u0431\u4f60\u05d0\u0e01\uac00\ufb01\uffe5",
    "\u00ad\u200b\u200d\u202e\u2028\u2029\u3000\ufeff\ufffe\uffff\ue000",
    "\U0001f600\U0001f468\U0002000b\U000e0001\U0010ffff",
    "{}[]:,#%()",
]


def text(rng):
    letters = "".join(rng.sample(ALPHABETS, rng.randint(1, 4)))
    return "".join(rng.choices(letters, k=rng.choice([0, 1, 2, 5, 12])))


def integer(rng):
    near = rng.choice([0, 10, 2**31, 2**53, 2**63, 2**64, 10**30, 10**300])
    return rng.choice([-1, 1]) * (near + rng.randint(-3, 3))


def floating(rng):
    if rng.random() < 0.5:
        return rng.choice([0.0, -0.0, 0.1, 1e16, 1e-5, 5e-324, 1.7976931348623157e308, rng.random(), rng.gauss(0, 1e6)])
    while True:
        (number,) = struct.unpack("<d", rng.randbytes(8))
        if number - number == 0:  # neither infinite nor nan
            return number


def value(rng, depth):
    kind = rng.randrange(10 if depth else 7)
    if kind < 3:
        return [None, True, False][kind]
    if kind == 3:
        return integer(rng)
    if kind == 4:
        return floating(rng)
    if kind < 7:
        return text(rng)
    count = rng.choice([0, 1, 2, 4])
    if kind == 7:
        return [value(rng, depth - 1) for _ in range(count)]
    return {text(rng): value(rng, depth - 1) for _ in range(count)}


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    for _ in range(count):
        sent = str([value(rng, 6)] if rng.random() < 0.2 else {"data": [value(rng, 5)]})
        meant = json.dumps(ast.literal_eval(sent))
        print(sent.encode("utf-8").hex(), meant.encode("ascii").hex())


if __name__ == "__main__":
    main()
