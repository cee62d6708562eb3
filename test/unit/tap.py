"""The few functions that make a Python program a TAP test.

Each test is one line of output; what went wrong follows it as comments.  A
program ends with done(), whose result is its exit status.  AWS's published
data is looked for in the directory of APPCONFIG_SHARED.
"""

import json
import os

_tests = 0
_failures = 0


def diag(text):
    for line in str(text).splitlines():
        print(f"# {line}")


def ok(passed, what, *details):
    global _tests, _failures
    _tests += 1
    print(f"{'ok' if passed else 'not ok'} {_tests} - {what.replace('#', '')}", flush=True)
    if not passed:
        _failures += 1
        for detail in details:
            diag(detail)
    return passed


def same(got, expected, what):
    return ok(got == expected, what, f"     got: {got!r}", f"expected: {expected!r}")


def matches(text, part, what):
    """The text has the part in it, whatever the case of letters."""
    return ok(text is not None and part.lower() in text.lower(), what, f"        got: {text!r}", f"to be in it: {part!r}")


def skip(what, reason):
    global _tests
    _tests += 1
    print(f"ok {_tests} - {what} # SKIP {reason}")


def published(name):
    """A file of AWS's published data; None, and a skipped test, without the directory."""
    path = os.path.join(os.environ.get("APPCONFIG_SHARED", ""), "api", "aws-credentials", name)
    if not os.environ.get("APPCONFIG_SHARED") or not os.path.isdir(os.path.dirname(path)):
        skip(name, "no api/aws-credentials in APPCONFIG_SHARED")
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def done():
    print(f"1..{_tests}")
    return 1 if _failures or _tests == 0 else 0
