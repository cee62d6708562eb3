#!/usr/bin/python3
"""Serves the traffic that AWS recorded for one of its published test cases, once and in its order.

    replay.py [--secure] [--later SECONDS] --tls-cert FILE --tls-key FILE --ready-file FILE DATA CASE

DATA is default-credential-provider-chain.json or profile-provider.json.  The ready file gets two ports,
one for https and one for http.  At SIGTERM, or with the process --parent-pid, it says in a line of JSON
what became of it, and its status is 1 if anything was wrong:

    {"expected": 2, "served": 1, "problems": ["GET http://... was not asked for"]}

Each request is held against the next recorded one: scheme, host, method, path, what is asked of STS, the
headers with tokens, and whose key has signed.  It is answered as recorded, but for

    XML       which becomes JSON where the client asks for that, as STS does it
    Date      which is of today
    expiry    which is --later, so that credentials recorded years ago can be good ones

What the recordings have and no client could send, since they were edited afterwards, is in EDITED.
"""

import argparse
import asyncio
import functools
import json
import os
import re
import signal
import ssl
import sys
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "emulator"))

from credentials import e_notation, iso    # noqa: E402
from httpd import Connection, Response    # noqa: E402

#: Of a form, what a case decides; the name of the session is the client's own.
FORM = ("Action", "Version", "RoleArn", "ExternalId", "WebIdentityToken")

#: Of the headers, those that a case decides, compared where they were recorded.
HEADERS = ("x-amz-security-token", "x-aws-ec2-metadata-token", "x-aws-ec2-metadata-token-ttl-seconds")

#: By case and number of the request: what follows from the case, where its recording has something else.
#: None stands for the session token that the answer before had.
EDITED = {
    ("ecs_assume_role", 1): {"x-amz-security-token": None, "key": "ASIARTEST"},
    ("eks_pod_identity_credentials", 0): {"authorization": "sometoken"},
    ("web_identity_token_env", 0): {"RoleArn": "arn:aws:iam::123456789012:role/test-role"},
    ("web_identity_token_profile", 0): {"RoleArn": "arn:aws:iam::1234567890123:role/RoleA",
                                        "WebIdentityToken": "sometoken"},
    ("web_identity_token_source_profile", 0): {"RoleArn": "arn:aws:iam::123456789012:role/s3-reader",
                                               "WebIdentityToken": "sometoken"},
    ("web_identity_token_source_profile", 1): {"x-amz-security-token": None},
}


class Exchange:
    """A recorded request, and its answer."""

    def __init__(self, request):
        self.method = request["method"]
        self.uri = urlsplit(request["uri"])
        self.target = (self.uri.path or "/") + (f"?{self.uri.query}" if self.uri.query else "")
        self.headers = {name.lower(): values[0] for name, values in request["headers"].items()}
        self.body = ""
        self.status = None          # None: no answer, the connection is lost
        self.content_type = None
        self.answer = ""

    def __str__(self):
        return f"{self.method} {self.uri.geturl()}"


def exchanges(events):
    """The exchanges of a case's events, in the order of their requests; a connection carries one."""
    found = {}
    for event in events:
        (kind, content), = event["action"].items()
        number = event["connection_id"]
        if kind == "Request":
            assert number not in found, f"connection {number} has two requests"
            found[number] = Exchange(content["request"])
        elif kind == "Response":
            answer = content["response"].get("Ok")
            if answer is not None:
                found[number].status = answer["status"]
                found[number].content_type = next((values[0] for name, values in answer["headers"].items()
                                                   if name.lower() == "content-type"), None)
        elif kind == "Data" and content["direction"] == "Request":
            found[number].body += content["data"]["Utf8"]
        elif kind == "Data":
            found[number].answer += content["data"]["Utf8"]
        else:
            assert kind == "Eof", kind
    return list(found.values())


# ---------------------------------------------------------------------------------------------------
# Requests against the recorded ones
# ---------------------------------------------------------------------------------------------------

def _form(body):
    """The parameters of a form that count; a token file may end with a newline, and a client send it or not."""
    return {name: values[0].rstrip("\n") for name, values in parse_qs(body).items() if name in FORM}


def _signer(authorization):
    """Whose key a request is signed with, and for which service: None if it isn't signed."""
    match = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/[^/]+/([^/]+)/aws4_request,", authorization or "")
    return match.groups() if match else None


def differences(request, is_tls, exchange, edited):
    """Where a request is not the one that was recorded."""
    host = (request.header("host") or "").lower()
    origin = f"{'https' if is_tls else 'http'}://{host}"
    if origin != f"{exchange.uri.scheme}://{exchange.uri.netloc}":
        yield f"went to {origin}"
    if (request.method, request.target) != (exchange.method, exchange.target):
        yield f"was {request.method} {request.target}"
    wanted = {**_form(exchange.body), **{name: edited[name] for name in FORM if name in edited}}
    found = _form(request.body.decode("utf-8", "replace"))
    for name in FORM:
        if found.get(name) != wanted.get(name):
            yield f"had {name} {found.get(name)}, not {wanted.get(name)}"
    for name in (*HEADERS, "authorization"):
        expected = edited[name] if name in edited else exchange.headers.get(name) if name in HEADERS else None
        if expected is not None and request.header(name) != expected:
            yield f"had {name} {request.header(name)}, not {expected}"
    signer = _signer(exchange.headers.get("authorization"))
    if signer is not None and "key" in edited:
        signer = edited["key"], signer[1]
    if _signer(request.header("authorization")) != signer:
        yield f"was signed by {_signer(request.header('authorization'))}, not {signer}"


# ---------------------------------------------------------------------------------------------------
# Answers
# ---------------------------------------------------------------------------------------------------

_EXPIRATION = re.compile(r'("Expiration"\s*:\s*"|<Expiration>)([^"<]+)')
_TOKEN = re.compile(r'(?:"Token"\s*:\s*"|<SessionToken>)([^"<]+)')


def delay_expiry(all_exchanges, seconds):
    """Makes what was recorded expire later, and nothing before what was handed out last: that is what a case is about."""
    last = None
    for exchange in reversed(all_exchanges):
        def later(match):
            nonlocal last
            moment = datetime.fromisoformat(match[2].replace("Z", "+00:00")) + timedelta(seconds=seconds)
            last = moment if last is None else max(last, moment)
            return match[1] + iso(last.astimezone(timezone.utc))

        exchange.answer = _EXPIRATION.sub(later, exchange.answer)


def _content(element):
    """What an element of STS's is in JSON."""
    name = element.tag.rpartition("}")[2]
    if len(element):
        return {child.tag.rpartition("}")[2]: _content(child) for child in element}
    if name == "Expiration":
        return datetime.fromisoformat(element.text.replace("Z", "+00:00"))
    return int(element.text) if name == "PackedPolicySize" else element.text or ""


def json_of_xml(text):
    """An answer of STS in the form that it has in JSON."""
    root = ElementTree.fromstring(text)
    name = root.tag.rpartition("}")[2]
    document = _content(root) if name == "ErrorResponse" else {name: _content(root)}
    numbers = []

    def hold(moment):
        numbers.append(e_notation(moment))
        return f"\0{len(numbers) - 1}"

    return re.sub(r'"\\u0000(\d+)"', lambda match: numbers[int(match[1])], json.dumps(document, default=hold))


class Replay:
    def __init__(self, case, recorded):
        self._case = case
        self._recorded = recorded
        self._token = None    # of the answer before
        self.served = 0
        self.problems = []

    def handle(self, is_tls, request, connection):
        """httpd's handler."""
        if self.served == len(self._recorded):
            self.problems.append(f"{request.method} {request.target} of {request.header('host')} was one too many")
            connection.send(Response(400), close=True)
            return
        exchange = self._recorded[self.served]
        edited = {name: self._token if value is None else value
                  for name, value in EDITED.get((self._case, self.served), {}).items()}
        self.served += 1
        self.problems += (f"request {self.served} of {exchange} {problem}"
                          for problem in differences(request, is_tls, exchange, edited))
        if exchange.status is None:
            connection.reset()
        else:
            connection.send(self._answer(exchange, "application/json" in (request.header("accept") or "")))

    def _answer(self, exchange, wants_json):
        match = _TOKEN.search(exchange.answer)
        self._token = match[1] if match else self._token
        headers = [("Date", formatdate(usegmt=True)), ("x-amzn-RequestId", f"replayed-{self.served}")]
        text, content_type = exchange.answer, exchange.content_type
        if wants_json and text.startswith("<") and exchange.uri.hostname.startswith(("sts", "aws.")):
            text, content_type = json_of_xml(text), "application/json"
        if content_type is not None:
            headers.append(("Content-Type", content_type))
        if "x-aws-ec2-metadata-token-ttl-seconds" in exchange.headers:
            headers.append(("x-aws-ec2-metadata-token-ttl-seconds", "21600"))
        return Response(exchange.status, text.encode(), headers)

    def report(self):
        missing = [f"{exchange} was not asked for" for exchange in self._recorded[self.served:]]
        return {"expected": len(self._recorded), "served": self.served, "problems": self.problems + missing}


async def serve(replay, options):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if options.parent_pid is not None:
        loop.add_reader(os.pidfd_open(options.parent_pid), stop.set)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.tls_cert, options.tls_key)
    ports = []
    for context in (tls, None):
        handle = functools.partial(replay.handle, context is not None)
        server = await loop.create_server(functools.partial(Connection, handle), "127.0.0.1", 0, ssl=context)
        ports.append(server.sockets[0].getsockname()[1])
    temporary = f"{options.ready_file}.tmp"
    Path(temporary).write_text("%d %d\n" % tuple(ports))
    os.rename(temporary, options.ready_file)
    await stop.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--secure", action="store_true", help="https where http://aws.* was recorded")
    parser.add_argument("--later", type=int, default=0, metavar="SECONDS", help="than recorded do credentials expire")
    parser.add_argument("--tls-cert", required=True, metavar="FILE")
    parser.add_argument("--tls-key", required=True, metavar="FILE")
    parser.add_argument("--ready-file", required=True, metavar="FILE")
    parser.add_argument("--parent-pid", type=int, metavar="PID")
    options = parser.parse_args()
    text = Path(options.data).read_text(encoding="utf-8")
    if options.secure:
        text = text.replace("http://aws.", "https://aws.")
    recorded = exchanges(json.loads(text)["cases"][options.case]["http_traffic"]["events"])
    delay_expiry(recorded, options.later)
    replay = Replay(options.case, recorded)
    asyncio.run(serve(replay, options))
    report = replay.report()
    print(json.dumps(report))
    return 1 if report["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
