#!/usr/bin/python3
"""AWS AppConfig's read operations for experiments, emulated on a loopback port.

    emulator.py [--data demo|standard|nasty|…] [--ready-file FILE] ...           serve (see --help)
    emulator.py --data nasty --dump                                             print the data as JSON

It answers as the service does, byte formats and errors included, checks every signature with
botocore's own code, logs what it was asked, and misbehaves on demand (ctl.py).  Needs Python 3.11 and
python3-botocore, nothing else.  The other files here:

    service.py    operations, constraints, paging, errors      dataset.py    the data and their fixed ids
    signature.py  who may call, verification                   store.py      containers of the data
    faults.py     wrong answers on purpose                     control.py    the interface under /_emulator/
    httpd.py      HTTP/1.1                                     journal.py    log and counters
    limits.py     the account's rate limits                    ctl.py        command line client of the control
    model.py      checks against the service model             credentials.py  STS, container, instance metadata

This file has the command line, and puts the parts together for each request.
"""

import argparse
import asyncio
import functools
import json
import os
import signal
import ssl
import sys
import time
from datetime import datetime, timedelta, timezone
from email.utils import formatdate

import credentials
import dataset
from control import PREFIX, Control, Mutations
from credentials import Credentials
from faults import DELIVERIES, PACED, TRANSFORMS, Faults, error
from httpd import Connection, Request, Response
from journal import Journal
from limits import GET_RATE, LIST_RATE, Limits
from model import Model
from service import ApiError, Service, route
from signature import IDENTITIES, Verifier, denial
from store import Store

#: Answers that are kept; when there are more, all are forgotten.
MAX_ANSWERS = 4096


class Emulator:
    """Takes each request through signature, service, faults and log."""

    def __init__(self, store, options):
        self._clock_offset = options.clock_offset
        self._journal = Journal(options.log)
        self._faults = Faults()
        self._service = Service(store, options.names_win)
        identities = dict(IDENTITIES)
        self._verifier = None if options.no_verify else Verifier(None if options.region == "any" else options.region,
                                                                 self._now, identities)
        self._credentials = Credentials(self._verifier, identities, self._now)
        #: Bodies of successful answers by request target, until the data change: making them takes most of the time.
        self._answers = {}
        self._control = Control(store, self._journal, self._faults, Mutations(store, self._set_clock_offset),
                                self._credentials.actions, self._answers.clear)
        self._latency = options.latency_ms / 1000
        self._limits = options.limits
        self._model = Model.load(options.validate_model) if options.validate_model else None

    def _now(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self._clock_offset)

    def _set_clock_offset(self, seconds):
        self._clock_offset = seconds

    def handle(self, request, connection):
        """Answers at once, or returns the task that will."""
        if request.path.startswith(PREFIX):
            connection.send(self._control.answer(request))
            return None
        if connection.number is None:
            connection.number = self._journal.new_connection()
        call = credentials.route(request) or route(request.method, request.path, request.query)
        operation = call.name if call else "Unknown"
        entry = self._journal.begin(operation, request, connection.number)
        request_id = f"00000000-0000-4000-8000-{entry['seq']:012d}"
        rule = self._faults.take(operation, request.target)
        if isinstance(call, credentials.CALLS):
            call.request_id = request_id
            response, outcome = self._credentials.answer(call)
        else:
            response, outcome = self._answer(request, call)
        if rule is not None and rule.mutation is not None:
            self._change(rule.mutation)
        response = self._distort(response, rule, call, request_id)
        self._journal.record(entry, status=response.status, fault=rule.kind if rule else None, **outcome)
        close = (request.header("connection") or "").lower() == "close"
        if rule is None and not self._latency:
            connection.send(response, close)
            self._journal.end()
            return None
        task = asyncio.get_running_loop().create_task(self._deliver(connection, response, rule, close))
        task.add_done_callback(lambda _: self._journal.end())
        return task

    def _change(self, mutation):
        """Changes the data as a control request between two API requests would."""
        answer = self._control.answer(Request("POST", PREFIX + "mutate", [], json.dumps(mutation).encode()))
        if answer.status != 200:
            raise ValueError(f"{mutation}: {answer.body.decode()}")

    def _answer(self, request, call):
        """AppConfig's right answer, and what the log says about it."""
        outcome = {"key": None}
        try:
            if self._verifier is not None:
                outcome["key"], identity, region = self._verifier.verify(request)
            if call is None:
                raise ApiError(404, "UnknownOperationException", "")
            if self._limits is not None and not self._limits.take(call.name):
                outcome["throttled"] = True
                raise ApiError(429, "ThrottlingException", "Rate exceeded", front_end=True)
            if self._verifier is not None and identity.denied:
                raise denial(identity, call, region)
            body = self._answers.get(request.target)
            if body is None:
                body = self._service.answer(call)
                if len(self._answers) >= MAX_ANSWERS:
                    self._answers.clear()
                self._answers[request.target] = body
        except ApiError as problem:
            return _error_response(problem), outcome
        if self._model is not None:
            outcome["model"] = self._model.violations(call.name, json.loads(body))
        return Response(200, body, [("Content-Type", "application/json")]), outcome

    def _distort(self, response, rule, call, request_id):
        """Applies a fault in the answer, if there is one, and adds the headers that every answer has, unless the
        fault has given them.

        The request id tells the request's place since the log was cleared, so that tests can expect it.
        """
        date_offset, date = self._clock_offset, None
        if rule is not None:
            response = TRANSFORMS.get(rule.kind, lambda answer, *_: answer)(response, rule, call, self._service)
            response.headers += rule.headers.items()
            date = rule.date
            if rule.kind == "skew":
                date_offset += rule.seconds
        given = {name.lower() for name, _ in response.headers}
        response.headers += [(name, value) for name, value in (
            ("x-amzn-RequestId", request_id),
            ("Date", _http_date(int(time.time() + date_offset)) if date is None else date)) if name.lower() not in given]
        return response

    async def _deliver(self, connection, response, rule, close):
        delay = self._latency
        if rule is not None and rule.kind not in PACED:
            delay += rule.ms / 1000
        await asyncio.sleep(delay)
        if rule is not None and rule.kind in DELIVERIES:
            await DELIVERIES[rule.kind](connection, response, rule)
        else:
            connection.send(response, close)


@functools.lru_cache(maxsize=4)
def _http_date(seconds):
    return formatdate(seconds, usegmt=True)


def _error_response(problem):
    """Errors as AppConfig sends them; an unsigned request gets XML and no error type."""
    if problem.code == "MissingAuthenticationTokenException":
        body = f"<{problem.code}>\n  <Message>{problem}</Message>\n</{problem.code}>\n"
        return Response(problem.status, body.encode())
    if problem.front_end:
        return error(problem.status, problem.code, problem.message, "message")
    return error(problem.status, f"{problem.code}:", problem.message)


def write_atomically(path, text):
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(temporary, path)


async def serve(store, options):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.parent_pid is not None:
        # A process's descriptor becomes readable when the process ends.
        loop.add_reader(os.pidfd_open(options.parent_pid), stop.set)
    tls = None
    if options.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls_cert, options.tls_key)
    emulator = Emulator(store, options)
    port = options.port
    for last in range(1, options.addresses + 1):
        server = await loop.create_server(functools.partial(Connection, emulator.handle), f"127.0.0.{last}", port,
                                          ssl=tls, backlog=1024)
        port = server.sockets[0].getsockname()[1]
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    if options.ready_file:
        write_atomically(options.ready_file, url + "\n")
    print(url, flush=True)
    await stop.wait()


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--addresses", type=int, default=1, metavar="N", help="listen on 127.0.0.1 to 127.0.0.N")
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--data", default="demo", metavar="demo|standard|nasty|scale:N|account:N,N,N,N",
                      help="default: demo; dataset.py describes them")
    data.add_argument("--data-file", metavar="FILE", help="what --dump printed")
    parser.add_argument("--seed", type=int, default=1, help="of the data set's incidental values")
    parser.add_argument("--dump", action="store_true", help="print the data as JSON and exit")
    parser.add_argument("--ready-file", metavar="FILE", help="gets the base URL once requests are taken")
    parser.add_argument("--log", metavar="FILE", help="gets a JSON line for each API request")
    parser.add_argument("--latency-ms", type=float, default=0, help="before every answer")
    parser.add_argument("--limits", nargs="?", type=Limits.parse, const=f"{GET_RATE:g},{LIST_RATE:g}",
                        metavar="GET,LIST", help="calls per second of the account, beyond which they are throttled; "
                        "without a value: %(const)s")
    parser.add_argument("--tls-cert", metavar="FILE")
    parser.add_argument("--tls-key", metavar="FILE")
    parser.add_argument("--no-verify", action="store_true", help="take requests as they come, unsigned too")
    parser.add_argument("--region", default="us-east-1", help="that signatures must be for; 'any' takes all")
    parser.add_argument("--names-win", action="store_true", help="where a name is another resource's id")
    parser.add_argument("--clock-offset", type=float, default=0, metavar="SECONDS", help="of the service's clock")
    parser.add_argument("--validate-model", metavar="FILE", help="check every answer against this service-2.json")
    parser.add_argument("--parent-pid", type=int, metavar="PID", help="exit when this process does")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.data_file:
        with open(options.data_file, encoding="utf-8") as file:
            store = Store.load(json.load(file))
    else:
        try:
            store = dataset.build(options.data, options.seed)
        except ValueError as problem:
            sys.exit(str(problem))
    if options.dump:
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        store.dump(sys.stdout)
    else:
        asyncio.run(serve(store, options))


if __name__ == "__main__":
    main()
