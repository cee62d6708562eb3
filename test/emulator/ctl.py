#!/usr/bin/python3
"""Command line client of the emulator's control interface, made for psql's \\! and shell tests.

The emulator is the one that APPCONFIG_ENDPOINT names.  Output is plain and the same each time; only
the standard library is used.  See `ctl.py --help`.
"""

import argparse
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path


def control(method, name, document=None):
    """One control request; its answer, parsed."""
    endpoint = os.environ.get("APPCONFIG_ENDPOINT")
    if not endpoint:
        sys.exit("ctl.py: APPCONFIG_ENDPOINT is not set")
    request = urllib.request.Request(f"{endpoint.rstrip('/')}/_emulator/{name}", method=method,
                                     data=None if document is None else json.dumps(document).encode())
    # The emulator's certificate is a test's own, and nothing secret is sent.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    try:
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as problem:
        sys.exit(f"ctl.py: {json.load(problem)['error']}")
    except OSError as problem:
        sys.exit(f"ctl.py: {problem}")


def calls(options):
    """API requests since the last clear: a count for each operation, or the targets."""
    if options.paths:
        lines = [entry["target"] for entry in control("GET", "log")]
        lines = sorted(lines) if options.sort else lines
    else:
        lines = [f"{operation} {count}" for operation, count in sorted(control("GET", "stats")["operations"].items())]
    print("\n".join(lines) if lines else "no calls")


def log(options):
    """The entries of the log, one JSON line each."""
    for entry in control("GET", "log"):
        print(json.dumps(entry))


def peak(options):
    """The largest number of requests that were in flight together."""
    print(control("GET", "stats")["peak_in_flight"])


def in_flight(options):
    """Requests whose answer is not out yet."""
    print(control("GET", "stats")["in_flight"])


def without_token(options):
    """Requests to the metadata service that had no token, as version 1 of it has none."""
    print(control("GET", "stats")["without_token"])


def connections(options):
    """Connections opened since the last clear, or used since."""
    print(control("GET", "stats")["connections_used" if options.used else "connections"])


def clear(options):
    """Forgets the log and restarts the counters."""
    control("DELETE", "log")


def fault(options):
    """Adds a fault after those in force."""
    names = ("operation", "path", "times", "after", "ms", "status", "code", "message", "body", "bytes", "member",
             "location", "seconds", "date")
    rule = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.mutation:
        rule["mutation"] = json.loads(options.mutation)
    if options.body_file:
        rule["body"] = Path(options.body_file).read_text(encoding="utf-8")
    if options.header:
        rule["headers"] = {name.strip(): value.strip() for name, _, value in
                           (header.partition(":") for header in options.header)}
    control("PATCH", "faults", [{"kind": options.kind, **rule}])


def nofaults(options):
    """No more faults."""
    control("DELETE", "faults")


def put_run(options):
    """Sends a text verbatim as a run's document."""
    control("POST", "mutate", {"action": "put_raw_run", "application": options.application,
                               "definition": options.definition, "run": options.run, "text": options.text})


def put_definition(options):
    """Sends a text verbatim as a definition's document."""
    control("POST", "mutate", {"action": "put_raw_definition", "application": options.application,
                               "definition": options.definition, "text": options.text})


def mutate(options):
    """Changes the data: an action of control.py's Mutations, or credentials.py's Actions; arguments as NAME=VALUE.

    A value that is JSON is taken as such, anything else as text.
    """
    arguments = {}
    for argument in options.arguments:
        name, _, value = argument.partition("=")
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    control("POST", "mutate", {"action": options.action, **arguments})


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, name=None):
        summary = function.__doc__.split("\n", 1)[0]
        added = commands.add_parser(name or function.__name__, help=summary, description=function.__doc__)
        added.set_defaults(function=function)
        return added

    added = command(calls)
    added.add_argument("--paths", action="store_true", help="targets in order of arrival instead of counts")
    added.add_argument("--sort", action="store_true", help="targets sorted")
    command(log)
    command(peak)
    command(in_flight, "in-flight")
    command(without_token, "without-token")
    added = command(connections)
    added.add_argument("--used", action="store_true", help="count those that carried a request, older ones too")
    command(clear)
    added = command(fault)
    added.add_argument("kind", help="see KINDS in faults.py")
    added.add_argument("--operation", help="only requests of this operation")
    added.add_argument("--path", metavar="REGEX", help="only requests whose target has a match")
    added.add_argument("--times", type=int, help="only so many requests")
    added.add_argument("--after", type=int, help="not the first so many requests")
    added.add_argument("--ms", type=float, help="delay before the answer; for drip, before each byte")
    added.add_argument("--status", type=int)
    added.add_argument("--code")
    added.add_argument("--message")
    added.add_argument("--body")
    added.add_argument("--body-file", metavar="FILE")
    added.add_argument("--header", action="append", metavar="'NAME: VALUE'")
    added.add_argument("--bytes", type=int, help="size, depth or chunk size")
    added.add_argument("--member", help="only this member")
    added.add_argument("--location", help="where redirect points to")
    added.add_argument("--seconds", type=float, help="by how much skew shifts the Date header")
    added.add_argument("--date", metavar="TEXT", help="the Date header, whatever it says")
    added.add_argument("--mutation", metavar="JSON", help="the change after the answer")
    command(nofaults)
    for function, name in ((put_run, "put-run"), (put_definition, "put-definition")):
        added = command(function, name)
        added.add_argument("application", help="id")
        added.add_argument("definition", help="id")
        if function is put_run:
            added.add_argument("run", type=int)
        added.add_argument("text", metavar="JSON")
    added = command(mutate)
    added.add_argument("action")
    added.add_argument("arguments", nargs="*", metavar="NAME=VALUE")
    return parser.parse_args()


def main():
    options = parse_arguments()
    options.function(options)


if __name__ == "__main__":
    main()
