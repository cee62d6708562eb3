#!/usr/bin/python3
"""Reads config and credentials files with src/aws_profile.c.

First AWS's published cases for parsers, then files that nobody should have,
then random texts, which a reading of the grammar in Python is compared with.
These come from a fixed seed, so a failure can be repeated; the seed is in
PROFILE_SEED, their number in PROFILE_TEXTS.  The output is TAP.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile

import tap

CLI = os.environ.get("CREDENTIAL_CLI", "build/credential_cli")
SEED = int(os.environ.get("PROFILE_SEED", "20261125"))
TEXTS = int(os.environ.get("PROFILE_TEXTS", "300"))
PROFILE, SSO_SESSION, SERVICES = 1, 2, 3
FILES = ["configFile", "credentialsFile"]


def parse(directory, *texts):
    """What the helper shows: a dict of an error, or a list of properties."""
    paths = []
    for name, text in zip(FILES, texts + (None,) * len(FILES)):
        paths.append("-" if text is None else os.path.join(directory, name))
        if text is not None:
            with open(paths[-1], "wb") as file:
                file.write(text)
    output = subprocess.run([CLI, "parse"] + paths, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output.decode("utf-8", "surrogateescape"), strict=False)


def sections(shown, kind):
    """{name: {key: value}} of a kind."""
    result = {}
    for section_kind, name, key, value in filter(None, shown):
        if section_kind == kind:
            properties = result.setdefault(name, {})
            if value is not None:
                properties[key] = value
    return result


def run_published(directory):
    data = tap.published("profile-parser-tests.json")
    for number, case in enumerate(data["tests"] if data else [], 1):
        what = f"published {number}: {case['name']}"
        shown = parse(directory, *(case["input"][name].encode() if name in case["input"] else None for name in FILES))
        output = case["output"]
        if "errorContaining" in output:
            tap.matches(shown["error"] if isinstance(shown, dict) else None, output["errorContaining"], what)
        elif tap.ok(isinstance(shown, list), what, shown):
            tap.same(sections(shown, PROFILE), output["config"]["profiles"], what + " (profiles)")
            tap.same(sections(shown, SSO_SESSION),
                     output["config"].get("sso_sessions", sections(shown, SSO_SESSION)), what + " (sso-sessions)")
    if data:
        tap.same(len(data["tests"]), 65, "as many published cases as there were")


# what the text is, the text, the error's line, and a part of its message
REFUSED = [
    ("a zero byte", b"[default]\nkey = a\0b\n", 2, "zero byte"),
    ("a zero byte at the end", b"[default]\n\0", 2, "zero byte"),
    ("a zero byte alone", b"\0", 1, "zero byte"),
    ("a zero byte in a comment", b"# \0\n[default]\n", 1, "zero byte"),
    ("an unclosed bracket", b"[default]\na = b\n\n[profile x\n", 4, "must end with ']'"),
    ("a bracket alone", b"[", 1, "must end with ']'"),
    ("a bracket before a comment", b"[#]", 1, "must end with ']'"),
    ("text behind the bracket", b"[default] x\n", 1, "must end with ']'"),
    ("a line without a section", b"\n\n  \na = b\n", 4, "expected a profile definition"),
    ("a continuation without a section", b"\ta\n", 1, "expected a profile definition"),
    ("an indented section", b" [default]\na = b\n", 1, "expected a profile definition"),
    ("a byte order mark", b"\xef\xbb\xbf[default]\na = b\n", 1, "expected a profile definition"),
    ("UTF-16", "[default]\n".encode("utf-16-le"), 1, "zero byte"),
    ("a word", b"[default]\nword\n", 2, "expected an '=' sign defining a property"),
    ("an equals sign in a comment", b"[default]\na # = b\n", 2, "expected an '=' sign defining a property"),
    ("a blank for a name", b"[default]\n\t= b\n", 2, "expected a property definition"),
    ("no name", b"[default]\n=\n", 2, "property did not have a name"),
    ("a sub-property's equals sign in a comment", b"[default]\ns3 =\n a # = b\n", 3, "defining a sub-property"),
    ("a sub-property without a name", b"[default]\ns3 =\n b = c\n =\n", 4, "sub-property did not have a name"),
    ("a sub-property in an ignored section", b"[nobody]\ns3 =\n b\n", 3, "defining a sub-property"),
    ("a word in an ignored section", b"[nobody]\nb\n", 2, "defining a property"),
    ("a carriage return for an end of line", b"[default]\ra = b\r", 1, "must end with ']'"),
]

# what the text is, the texts of both files, and the profiles
ACCEPTED = [
    ("no text", b"", b"", {}),
    ("line feeds alone", b"\n" * 1000, b"\r\n" * 1000, {}),
    ("comments alone", b"#\n;\n# [profile x]\n", b";", {}),
    ("no end of line", b"[default]", b"[other]\na = b", {"default": {}, "other": {"a": "b"}}),
    ("a carriage return at the end", b"[default]\r\na = b\r", None, {"default": {"a": "b"}}),
    ("bytes that are no UTF-8", b"[default]\na = \xff\xfe\xc0\x80\n", None,
     {"default": {"a": b"\xff\xfe\xc0\x80".decode("utf-8", "surrogateescape")}}),
    ("control characters", b"[default]\na = \x01\x1b[2J\x7f\n", None, {"default": {"a": "\x01\x1b[2J\x7f"}}),
    ("empty brackets", b"[]\na = b\n[ ]\n[default]\n", b"[]\na = b\n", {"default": {}}),
    ("a word without a name", b"[profile]\na = b\n[profile ]\n", b"[ profile ]\nc = d\n", {"profile": {"c": "d"}}),
    ("brackets in brackets", b"[[default]]\na = b\n[profile [x]]\n", None, {}),
    ("a name that a comment cuts", b"[profile x#y]", None, None),
    ("a value of equals signs", b"[default]\na = =b==\n", None, {"default": {"a": "=b=="}}),
    ("a comment right behind the equals sign", b"[default]\na =#b\nc = # d\n", None, {"default": {"a": "#b", "c": ""}}),
    ("continuations of ignored properties", b"[default]\nin valid = a\n b\nc = d\n e\n", None, {"default": {"c": "d\ne"}}),
    ("continuations after blank lines and comments", b"[default]\nc = d # e\n\n# f\n g\n\n\n h\n", None,
     {"default": {"c": "d\ng\nh"}}),
    ("comments among sub-properties", b"[default]\ns3 =\n  # x\n  a = b # y\n\t; z = z\n", None,
     {"default": {"s3": "\na = b # y"}}),
    ("files of Windows", b"[default]\r\ns3 =\r\n  a = b\r\n  c = d\r\n", None, {"default": {"s3": "\na = b\nc = d"}}),
    ("an empty value does not fall back", b"[profile x]\na = b\n", b"[x]\na =\n", {"x": {"a": ""}}),
    ("sections of both files, in pieces", b"[profile x]\na = 1\nb = 1\n[profile y]\n[profile x]\nb = 2\nc = 2\n",
     b"[x]\nc = 3\n[y]\nd = 4\n[x]\ne = 5\n", {"x": {"a": "1", "b": "2", "c": "3", "e": "5"}, "y": {"d": "4"}}),
    ("the other file's sections", b"[x]\na = b\n", b"[sso-session x]\na = b\n[services y]\n[profile z]\n", {}),
]


def run_hostile(directory):
    for what, text, line, message in REFUSED:
        for position in range(2):
            texts = [text, None] if position == 0 else [b"[default]\n", text]
            shown = parse(directory, *texts)
            if not tap.ok(isinstance(shown, dict), f"refused: {what}", shown):
                continue
            tap.same((shown["file"], shown["line"]), (position, line), f"file and line: {what}")
            tap.matches(shown["error"], message, f"message: {what}")
    for what, config, credentials, profiles in ACCEPTED:
        shown = parse(directory, config, credentials)
        if profiles is None:
            tap.ok(isinstance(shown, dict), f"refused: {what}", shown)
        elif tap.ok(isinstance(shown, list), f"taken: {what}", shown):
            tap.same(sections(shown, PROFILE), profiles, f"profiles: {what}")


def run_large(directory):
    value = b"x" * 1000000
    shown = parse(directory, b"[default]\na = " + value + b"\n b\n")
    tap.ok(sections(shown, PROFILE) == {"default": {"a": value.decode() + "\nb"}}, "a line of a million bytes")
    shown = parse(directory, b"[profile " + value + b"]\n" + value + b" = b\n")
    tap.ok(sections(shown, PROFILE) == {value.decode(): {value.decode(): "b"}}, "names of a million bytes")
    shown = parse(directory, b"[default]\na =\n" + b" b = c\n" * 100000)
    tap.ok(sections(shown, PROFILE) == {"default": {"a": "\nb = c" * 100000}}, "a value of 100 000 lines")
    shown = parse(directory, b"[profile x]\n[profile y]\n" * 2000 + b"[profile x]\na = b\n")
    tap.ok(sections(shown, PROFILE) == {"x": {"a": "b"}, "y": {}}, "a section 2 000 times")
    names = [f"p{number}" for number in range(10000)]
    config = "".join(f"[profile {name}]\nregion = {name}\n" for name in names)
    credentials = "".join(f"[{name}]\naws_access_key_id = {name}\n" for name in reversed(names))
    shown = parse(directory, config.encode(), credentials.encode())
    tap.ok(sections(shown, PROFILE) == {name: {"region": name, "aws_access_key_id": name} for name in names},
           "10 000 profiles")


# ------------------------------------------------------------------------
# Random texts
# ------------------------------------------------------------------------

PIECES = ["[", "]", "profile", "default", "sso-session", "services", "x", "Y", "a/b", "=", "#", ";", " ", "\t", "\n", "\n",
          "\r\n", "\n ", "é", "!", ":", "\x0b"]
LINES = ["[default]", "[profile default]", "[profile x]", "[x]", "[sso-session s]", "[services v]", "[profile in valid]", "[y",
         "[ profile  x\t] # c", "[profile x];c", "a = b", "A=c # d", "a =", "in valid = e", "b : c", "= d", " c = d", "\te",
         " # f", " ;", "# g", ";h", "", " ", "a = b;c #d", "k = l = m", " = n", "x/y.z = 1"]
KINDS = {"profile": PROFILE, "sso-session": SSO_SESSION, "services": SERVICES}
NAME = re.compile(r"[A-Za-z0-9_/.%@:+-]+")


class Refused(Exception):
    """A text that is no such file."""


def cut(line, comment):
    """A line without its comment, and without the blanks around it."""
    return re.split(comment, line, maxsplit=1)[0].strip(" \t")


def header(line, is_config):
    """(kind, name) of a section, or None where it counts for nothing."""
    text = cut(line, "[#;]")
    if not text.endswith("]"):
        raise Refused
    words = re.split("[ \t]+", text[1:-1].strip(" \t"), maxsplit=1)
    if not NAME.fullmatch(words[-1]):
        return None
    if len(words) == 2:
        return (KINDS[words[0]], words[1]) if is_config and words[0] in KINDS else None
    return (PROFILE, words[0]) if not is_config or words[0] == "default" else None


def reading(text, is_config):
    """[(section, is it "[default]" of the config file, {key: value})]"""
    result = []
    key = None
    is_block = False            # are sub-properties what continues it?
    for line in re.split("\n", text):
        line = line[:-1] if line.endswith("\r") else line
        if line.strip(" \t") == "" or line[0] in "#;":
            continue
        if line[0] == "[":
            section = header(line, is_config)
            plain = section == (PROFILE, "default") and is_config and "profile" not in line.split("]")[0]
            result.append((section, plain, {}))
            key = None
        elif line[0] in " \t":
            continuation = line.strip(" \t")
            if key is None or not result:
                raise Refused
            if not is_block:
                result[-1][2][key] += "\n" + continuation
            elif continuation[0] not in "#;":
                if not re.search("^[^=]+=", cut(continuation, "(?<=[ \t])[#;]")):
                    raise Refused
                result[-1][2][key] += "\n" + continuation
        else:
            name, equals, value = cut(line, "(?<=[ \t])[#;]").partition("=")
            key, value = name.strip(" \t").lower(), value.strip(" \t")
            if not result or not equals or not key:
                raise Refused
            is_block = value == ""
            # a later value of a key takes the place of an earlier one, whole
            result[-1][2][key] = value
    return result


def merged(texts):
    """{(kind, name): {key: value}} as both files have it together."""
    result = {}
    for number, text in enumerate(texts):
        found = reading(text, number == 0)
        prefixed = any(section == (PROFILE, "default") and not plain for section, plain, _ in found) and number == 0
        for section, plain, properties in found:
            if section is not None and not (plain and prefixed):
                result.setdefault(section, {}).update(
                    {key: value for key, value in properties.items() if NAME.fullmatch(key)})
    return result


def is_refused(text):
    try:
        return not reading(text, True)
    except Refused:
        return True


def random_text(rng):
    if rng.random() < 0.2:
        return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 30)))
    text = ""
    for _ in range(rng.randint(1, 20)):
        more = text + rng.choice(LINES) + rng.choice(["\n", "\n", "\r\n"])
        # most of what makes the whole text be refused is taken back
        if rng.random() < 0.02 or not is_refused(more):
            text = more
    return text if rng.random() < 0.5 else text.rstrip("\r\n")


def run_random(directory):
    rng = random.Random(SEED)
    different, taken = [], 0
    for _ in range(TEXTS):
        texts = [random_text(rng), random_text(rng)]
        shown = parse(directory, *(text.encode() for text in texts))
        got = None
        if isinstance(shown, list):
            got = {(kind, name): properties for kind in KINDS.values() for name, properties in sections(shown, kind).items()}
        try:
            expected = merged(texts)
            taken += 1
        except Refused:
            expected = None
        if got != expected:
            different.append(f"{texts!r}: {got!r}, and not {expected!r}")
    tap.ok(0.2 < taken / TEXTS < 0.8, f"{taken} of {TEXTS} pairs of texts are such files")
    tap.ok(not different, f"the same as a reading in Python, seed {SEED}", *different[:5])


def run_services(directory):
    shown = parse(directory, b"[services a]\nsts =\n endpoint_url = https://a\n[services b c]\n[profile p]\nservices = a\n")
    tap.same(sections(shown, SERVICES), {"a": {"sts": "\nendpoint_url = https://a"}}, "services sections")
    tap.same(sections(shown, PROFILE), {"p": {"services": "a"}}, "the profile beside them")


def main():
    with tempfile.TemporaryDirectory() as directory:
        run_published(directory)
        run_hostile(directory)
        run_services(directory)
        run_large(directory)
        run_random(directory)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
