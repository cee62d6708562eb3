#!/usr/bin/python3
"""Parses random texts with src/json.c and with Python's json, and compares.

The texts come from a fixed seed, so a failure can be repeated; the seed is in
JSON_SEED, their number in JSON_TEXTS.  Half of them are damaged in a place or
two.  Numbers are compared as they are written.  What json.c refuses beyond the
grammar is known here, too: deep nesting, and U+0000 in a member's name.  The
output is TAP.
"""

import json
import os
import random
import re
import subprocess
import sys

CLI = os.environ.get("JSON_CLI", "build/json_cli")
SEED = int(os.environ.get("JSON_SEED", "20261125"))
TEXTS = int(os.environ.get("JSON_TEXTS", "5000"))
MAX_DEPTH = 64

# in strings, as they are and escaped; where parsers differ, beside what is easy
PIECES = ["", "a", "Run", "é", "日本", "😀", "𠀀", "𝿿", "\u2028", "\x7f", '"', "\\", "/", "\b", "\t", "\x1f", "\0"]
ESCAPES = [r"\u0041", r"\u00e9", r"\uD83D\uDE00", r"\ud837\ude00", r"\uD840\uDC00", r"\uDBFF\uDFFF", r"\ud800", r"\udc00",
           r"\ud800x", r"\ud800\ud800\udc00", r"\udc00\ud800", r"\uFFFF", r"\u0000", r"\/", r"\n", r"\b", r"\"", r"\\"]
NUMBERS = ["0", "-0", "1", "-1", "10", "1.0", "1.50", "0.1e1", "1e5", "1E+5", "1e-5", "-0.0", "9223372036854775807",
           "18446744073709551616", "1" * 60, "0." + "3" * 60, "1e400"]
# what damage is made of
CHARACTERS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"0", b"-", b".", b"e", b"+", b"'", b"/*x*/", b"NaN",
              b"Infinity", b"nul", b"true", b" ", b"\t", b"\r\n", b"\0", b"\x0b", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
              b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\\u12", b"\\x", b"//"]


class Number(str):
    """A number as it was written."""


def random_string(rng):
    parts = []
    for _ in range(rng.choice([0, 1, 1, 2, 5])):
        if rng.random() < 0.5:
            parts.append(rng.choice(ESCAPES))
        else:
            parts.append(json.dumps(rng.choice(PIECES), ensure_ascii=rng.random() < 0.3)[1:-1])
    return '"' + "".join(parts) + '"'


def random_value(rng, depth):
    kind = rng.random()
    space = rng.choice(["", "", " ", "\n\t "])
    if depth > 0 and kind < 0.3:
        parts = [random_value(rng, depth - 1) for _ in range(rng.choice([0, 1, 2, 3, 20]))]
        return "[" + space + ("," + space).join(parts) + space + "]"
    if depth > 0 and kind < 0.6:
        parts = [random_string(rng) + space + ":" + space + random_value(rng, depth - 1)
                 for _ in range(rng.choice([0, 1, 2, 3, 40]))]
        return "{" + space + ("," + space).join(parts) + space + "}"
    if kind < 0.8:
        return random_string(rng)
    return rng.choice(NUMBERS + ["true", "false", "null"])


def random_text(rng):
    if rng.random() < 0.01:
        deep = rng.choice([MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 200])
        return ("[" * deep + "]" * deep).encode()
    text = random_value(rng, rng.choice([0, 1, 2, 3])).encode("utf-8")
    if rng.random() < 0.5:
        for _ in range(rng.choice([1, 1, 2])):
            at = rng.randint(0, len(text))
            text = text[:at] + rng.choice(CHARACTERS + [b""]) + text[at + rng.choice([0, 0, 1, 2]):]
    return text


def refuse(constant):
    raise ValueError(constant)


def replace_halves(text):
    """Halves of surrogate pairs are no characters."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def canonical(value):
    if isinstance(value, str) and not isinstance(value, Number):
        return replace_halves(value)
    if isinstance(value, list):
        return [canonical(element) for element in value]
    if isinstance(value, dict):
        return {replace_halves(name): canonical(member) for name, member in value.items()}
    return (type(value).__name__, value)


def members(pairs):
    """An object whose names are told apart as UTF-8 tells them; the last one counts."""
    result = {}
    for name, value in pairs:
        if "\0" in name:
            raise ValueError("U+0000 in a name")
        result[replace_halves(name)] = value
    return result


def depth_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def parse(text):
    """What Python reads, canonically; None if that is no JSON."""
    try:
        value = json.loads(text.decode("utf-8"), parse_int=Number, parse_float=Number, parse_constant=refuse,
                           object_pairs_hook=members)
    except (ValueError, RecursionError):
        return None
    return None if depth_of(value) > MAX_DEPTH else [canonical(value)]


def main():
    rng = random.Random(SEED)
    texts = [random_text(rng) for _ in range(TEXTS)]
    answers = subprocess.run([CLI], input="".join(text.hex() + "\n" for text in texts).encode(), stdout=subprocess.PIPE,
                             check=True).stdout.decode().splitlines()
    print("1..3")
    accepted = [parse(text) for text in texts]
    share = sum(value is not None for value in accepted) / len(texts)
    print(f"{'ok' if 0.3 < share < 0.9 else 'not ok'} 1 - {share:.0%} of the texts are JSON")
    print(f"{'ok' if len(answers) == len(texts) else 'not ok'} 2 - an answer to each of {len(texts)} texts")
    different = [(text, answer) for text, value, answer in zip(texts, accepted, answers)
                 if value != (None if answer == "!" else parse(bytes.fromhex(answer)))]
    print(f"{'not ok' if different else 'ok'} 3 - the same as Python reads, seed {SEED}")
    for text, answer in different[:10]:
        print(f"#   {text!r}: {answer if answer == '!' else bytes.fromhex(answer)!r}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
