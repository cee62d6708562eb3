"""Answers that are wrong on purpose: rules, and what each kind of fault does.

A fault either changes the answer (TRANSFORMS) or the way it is delivered (DELIVERIES); KINDS says what
each is for.  Rules are tried in order and the first that matches a request applies, so a rule with
`times` is followed by the next one once it is used up.
"""

import asyncio
import json
import re

from credentials import CALLS
from httpd import Response
from service import Call, encode

#: Every kind and its meaning, for the control client's help.
KINDS = {
    "latency": "answer after --ms",
    "hang": "accept and never answer",
    "status": "answer --status with --code/--message or --body, --header",
    "throttle": "ThrottlingException, --status 429 or 400",
    "error500": "InternalServerException",
    "unavailable503": "ServiceUnavailableException",
    "html503": "503 with an HTML body",
    "redirect": "302 to --location",
    "skew": "RequestTimeTooSkewed (or --code), Date header off by --seconds",
    "reset": "TCP reset before any byte",
    "reset-midbody": "TCP reset after half of the body",
    "truncate": "Content-Length larger than what is sent, then close",
    "chunked": "the right answer in chunks of --bytes",
    "chunked-truncate": "chunked, closed before the last chunk",
    "drip": "one byte of the body every --ms",
    "close": "the right answer, then close, unannounced",
    "malformed": "JSON cut in half",
    "garbage-bytes": "a body of all 256 bytes",
    "trailing-garbage": "valid JSON, then more",
    "deep": "JSON nested --bytes deep",
    "huge": "valid JSON padded to --bytes",
    "invalid-utf8": "bytes that are no UTF-8 in strings (--member: that member's only)",
    "nul-escape": "\\u0000 in strings (--member: that member's only); where there is no JSON, a NUL byte",
    "wrong-type": "members of another type (--member: that one only)",
    "not-object": "a JSON array",
    "null-members": "null for members that are absent (--member: for that one, present or not)",
    "duplicate-members": "members twice, the last one right",
    "repeat-token": "the same NextToken for ever, from AppConfig",
    "empty-page": "no items, but a NextToken to the page that was due, from AppConfig",
    "date": "the right answer, with --date for its Date header",
    "unasked": "the right answer, padded to --bytes, and after --ms another that nobody asked for: --status with "
               "--body, or a 408 that closes the connection",
    "endless-interim": "1xx answers for ever, a piece every --ms, as all that is endless",
    "endless-headers": "header lines without an end to them",
    "endless-header-line": "one header line without an end",
    "endless-chunk-extension": "a chunk whose extension does not end",
    "endless-deflate": "empty deflate blocks under Transfer-Encoding",
    "endless-gzip-name": "the file name of a gzip header under Transfer-Encoding",
    "encoded": "the right answer, said to have --message for its Content-Encoding",
    "change": "the right answer, and then --mutation, a JSON object as mutate takes it",
}

#: Members that null-members adds where they are absent, by a member of the object that can hold them.
_NULLABLE = {
    "Items": ("NextToken",),
    "Run": ("Description", "TreatmentOverrides", "Result", "EndedAt"),
    "FlagKey": ("Hypothesis", "AudienceDescription", "LaunchCriteria", "KmsKeyIdentifier"),
    "Weight": ("Key", "Description"),
    "Enabled": ("AttributeValues",),
    "EventType": ("Description", "AssociatedDeployment", "ExposurePercentage", "TreatmentOverrides"),
    "Name": ("Description",),
    "AccessKeyId": ("AccountId", "RoleArn"),
}


class Rule:
    """Which requests a fault applies to, how often, and its options."""

    DEFAULTS = {"operation": None, "path": None, "times": None, "after": 0, "ms": 0, "status": None, "code": None,
                "message": None, "body": None, "headers": {}, "bytes": None, "member": None,
                "location": "/applications", "seconds": 3600, "mutation": None, "date": None}

    def __init__(self, kind, **options):
        unknown = set(options) - set(self.DEFAULTS)
        if kind not in KINDS or unknown:
            raise ValueError(f"no fault of kind {kind!r} with {sorted(unknown)}")
        for name, default in self.DEFAULTS.items():
            setattr(self, name, options.get(name, default))
        self.kind = kind
        self.used = 0
        self._path = re.compile(self.path or "")

    def take(self, operation, target):
        """Whether the rule applies to this request; using it up counts here."""
        if self.operation not in (None, operation) or not self._path.search(target):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.used == self.times:
            return False
        self.used += 1
        return True


class Faults:
    """The rules in force."""

    def __init__(self):
        self.rules = []

    def take(self, operation, target):
        return next((rule for rule in self.rules if rule.take(operation, target)), None)


# ---------------------------------------------------------------------------------------------------
# Faults in the answer: (response, rule, call, service) -> response
# ---------------------------------------------------------------------------------------------------

def error(status, code, message, member="Message", headers=()):
    return Response(status, encode({member: message}),
                    [("Content-Type", "application/json"), ("x-amzn-ErrorType", code), *headers])


def _own_error(call, rule, status, code, message, member="Message"):
    """An error of whichever service was called; its status and code are the rule's, if the rule has any."""
    if isinstance(call, CALLS):
        code, status = call.own_error(code, status)
        return call.refusal(rule.status or status, rule.code or code, rule.message or message)
    return error(rule.status or status, rule.code or code, rule.message or message, member)


def _status(response, rule, call, service):
    status = rule.status or 500
    if rule.body is not None:
        return Response(status, rule.body.encode(errors="backslashreplace"),
                        [("Content-Type", "application/json"),
                         *([] if rule.code is None else [("x-amzn-ErrorType", rule.code)])])
    if rule.code is None and rule.message is None:
        return Response(status)
    return _own_error(call, rule, status, "Fault", "")


def _throttle(response, rule, call, service):
    return _own_error(call, rule, 429, "ThrottlingException", "Rate exceeded", "message")


def _error500(response, rule, call, service):
    return _own_error(call, rule, 500, "InternalServerException:", "There was an internal failure in the service.")


def _unavailable503(response, rule, call, service):
    return _own_error(call, rule, 503, "ServiceUnavailableException", "Service is unavailable.", "message")


def _html503(response, rule, call, service):
    return Response(503, b"<html><body><h1>503 Service Unavailable</h1></body></html>", [("Content-Type", "text/html")])


def _redirect(response, rule, call, service):
    return Response(rule.status or 302, b"", [("Location", rule.location)])


def _skew(response, rule, call, service):
    return _own_error(call, rule, 403, "RequestTimeTooSkewed",
                      "The difference between the request time and the current time is too large.", "message")


def _encoded(response, rule, call, service):
    response.headers.append(("Content-Encoding", rule.message or "br"))
    return response


def _with_body(change):
    """A fault that only changes the body's bytes."""
    def transform(response, rule, call, service):
        response.body = change(response.body, rule)
        return response
    return transform


def _document(response):
    """A successful answer's document, None if it has none: metadata are often text, and STS sends XML, too."""
    if response.status != 200 or not response.body.startswith(b"{"):
        return None
    return json.loads(response.body)


def _with_document(change):
    """A fault that changes a successful answer's document in place."""
    def transform(response, rule, call, service):
        document = _document(response)
        if document is not None:
            change(document, rule, call, service)
            response.body = encode(document)
        return response
    return transform


def _with_page(change):
    """The same of AppConfig alone."""
    def transform(response, rule, call, service):
        return _with_document(change)(response, rule, call, service) if isinstance(call, Call) else response
    return transform


def _deep(body, rule):
    depth = rule.bytes or 100_000
    return b'{"Items":' + b"[" * depth + b"]" * depth + b"}"


def _padded(body, size):
    if not body.startswith(b"{"):
        return body.ljust(size)
    frame = b',"Padding":""'
    return body[:-1] + frame[:-1] + b"x" * max(0, size - len(body) - len(frame)) + b'"}'


def _huge(body, rule):
    return _padded(body, rule.bytes or 32 * 2**20)


def _into_strings(text, bare):
    """Puts bytes at the beginning of string values: of one member, or of all.

    XML and text, which have no such strings, get the bytes `bare`.
    """
    def change(body, rule):
        member = re.escape(rule.member.encode()) if rule.member else rb"[A-Za-z]+"
        if body.startswith(b"{"):
            return re.sub(rb'("%b"\s*:\s*")' % member, lambda found: found.group(1) + text, body)
        if body.startswith(b"<"):
            return re.sub(rb"(<%b>)(?=[^<\s])" % member, lambda found: found.group(1) + bare, body)
        return bare + body
    return change


def _objects(value):
    """All objects in a document, outer ones first."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _objects(child)


def _entities(document, member):
    """The objects that a document is about, and whose members, or whose one member, a fault changes.

    They are its items, or itself; of an answer of STS, in which they are wrapped, the one that has the
    member, or the one that has keys.
    """
    if "Items" in document:
        return [document] if member in ("Items", "NextToken") else document["Items"]
    wanted = member or "AccessKeyId"
    return [next((inner for inner in _objects(document) if wanted in inner), document)] if _is_wrapped(document) \
        else [document]


def _is_wrapped(document):
    return len(document) == 1 and next(iter(document)).endswith("Response")


def _other_type(value):
    if isinstance(value, bool) or value is None:
        return "true"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return 7
    return [] if isinstance(value, dict) else {"0": value}


def _wrong_type(document, rule, call, service):
    for entity in _entities(document, rule.member):
        for member in entity:
            if rule.member in (None, member):
                entity[member] = _other_type(entity[member])


def _null_members(document, rule, call, service):
    if rule.member is not None:
        for entity in _entities(document, rule.member):
            entity[rule.member] = None
        return

    def visit(value):
        if isinstance(value, dict):
            for child in list(value.values()):
                visit(child)
            for holder, members in _NULLABLE.items():
                if holder in value:
                    for member in members:
                        value.setdefault(member, None)
        elif isinstance(value, list):
            for child in value:
                visit(child)

    visit(document)


def _duplicate_members(response, rule, call, service):
    document = _document(response)
    if document is not None:
        wrong = [f"{json.dumps(member)}:{json.dumps(_other_type(value))}" for member, value in document.items()]
        response.body = b"{" + "".join(pair + "," for pair in wrong).encode() + response.body[1:]
    return response


def _repeat_token(document, rule, call, service):
    document["NextToken"] = (call.query.get("next_token") or document.get("NextToken")
                             or service.same_page_token(call, "repeat"))


def _empty_page(document, rule, call, service):
    document.update(Items=[], NextToken=service.same_page_token(call, rule.used))


TRANSFORMS = {
    "status": _status,
    "throttle": _throttle,
    "error500": _error500,
    "unavailable503": _unavailable503,
    "html503": _html503,
    "redirect": _redirect,
    "skew": _skew,
    "encoded": _encoded,
    "malformed": _with_body(lambda body, rule: body[:len(body) // 2]),
    "garbage-bytes": _with_body(lambda body, rule: bytes(range(256))),
    "trailing-garbage": _with_body(lambda body, rule: body + b'}{"Items":[]} trailing'),
    "deep": _with_body(_deep),
    "huge": _with_body(_huge),
    "invalid-utf8": _with_body(_into_strings(*[b"\xff\xfe\xed\xa0\x80"] * 2)),
    "nul-escape": _with_body(_into_strings(b"\\u0000", b"\0")),
    "not-object": _with_body(lambda body, rule: b"[" + body + b"]"),
    "wrong-type": _with_document(_wrong_type),
    "null-members": _with_document(_null_members),
    "duplicate-members": _duplicate_members,
    "repeat-token": _with_page(_repeat_token),
    "empty-page": _with_page(_empty_page),
}


# ---------------------------------------------------------------------------------------------------
# Faults in the delivery: async (connection, response, rule)
# ---------------------------------------------------------------------------------------------------

async def _hang(connection, response, rule):
    await asyncio.get_running_loop().create_future()


async def _reset(connection, response, rule):
    connection.reset()


async def _reset_midbody(connection, response, rule):
    connection.write(response.head() + response.body[:len(response.body) // 2])
    connection.reset()


async def _truncate(connection, response, rule):
    connection.write(response.head(f"Content-Length: {len(response.body) + (rule.bytes or 100)}") + response.body)
    connection.close()


def _chunks(response, size):
    for start in range(0, len(response.body), size):
        chunk = response.body[start:start + size]
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)


async def _chunked(connection, response, rule):
    connection.write(response.head("Transfer-Encoding: chunked") + b"".join(_chunks(response, rule.bytes or 100))
                     + b"0\r\n\r\n")


async def _chunked_truncate(connection, response, rule):
    connection.write(response.head("Transfer-Encoding: chunked") + b"".join(_chunks(response, rule.bytes or 100)))
    connection.close()


async def _drip(connection, response, rule):
    connection.write(response.head())
    for index in range(len(response.body)):
        await asyncio.sleep(rule.ms / 1000)
        connection.write(response.body[index:index + 1])


async def _close(connection, response, rule):
    connection.send(response, close=True)


async def _unasked(connection, response, rule):
    if rule.bytes is not None:
        response.body = _padded(response.body, rule.bytes)
    unasked = Response(rule.status or 408, (rule.body or "").encode(), [("Content-Type", "application/json")])
    if rule.status is None:
        unasked.headers = [("Connection", "close")]
    wanted = response.head() + response.body
    if rule.ms == 0:    # in one piece
        connection.write(wanted + unasked.head() + unasked.body)
    else:
        connection.write(wanted)
        await asyncio.sleep(rule.ms / 1000)
        connection.write(unasked.head() + unasked.body)
    if rule.status is None:
        connection.close()


def _chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


#: What begins as an answer (a function of the head with a header line), and what then goes on for ever.
_ENDLESS = {
    "endless-interim": (lambda head: b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "endless-headers": (lambda head: head("X-First: 1")[:-2], b"X-Filler: " + b"x" * 1000 + b"\r\n"),
    "endless-header-line": (lambda head: head("X-First: 1")[:-2] + b"X-Filler: ", b"x" * 1000),
    "endless-chunk-extension": (lambda head: head("Transfer-Encoding: chunked") + b"1;name=", b"x" * 1000),
    "endless-deflate": (lambda head: head("Transfer-Encoding: deflate, chunked") + _chunk(b"\x78\x9c"),
                        _chunk(b"\x00\x00\x00\xff\xff" * 200)),
    "endless-gzip-name": (lambda head: head("Transfer-Encoding: gzip, chunked")
                          + _chunk(b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"), _chunk(b"x" * 1000)),
}


async def _endless(connection, response, rule):
    begin, piece = _ENDLESS[rule.kind]
    connection.write(begin(response.head))
    while True:
        await connection.write_slowly(piece * (rule.bytes or 1))
        await asyncio.sleep(rule.ms / 1000)


DELIVERIES = {
    "hang": _hang,
    "reset": _reset,
    "reset-midbody": _reset_midbody,
    "truncate": _truncate,
    "chunked": _chunked,
    "chunked-truncate": _chunked_truncate,
    "drip": _drip,
    "close": _close,
    "unasked": _unasked,
    **dict.fromkeys(_ENDLESS, _endless),
}

#: Kinds whose --ms are not before the answer.
PACED = {"drip", "unasked", *_ENDLESS}
