"""What the emulator's own checks share: starting one, and calling it as a signed client would.

Only for the checks beside this file; the emulator itself imports nothing from here.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HERE = Path(__file__).resolve().parent
EXAMPLE_KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def segment(text):
    """A path segment or query value in the encoding of the SDKs."""
    return quote(text, safe="-_.~")


def target(path, **query):
    return f"{path}?{urlencode(query, quote_via=quote, safe='-_.~')}" if query else path


class RunningEmulator:
    """An emulator in a process of its own, to be used in a with statement."""

    def __init__(self, *arguments):
        self._directory = tempfile.TemporaryDirectory(prefix="emulator-")
        ready = Path(self._directory.name) / "ready"
        self.process = subprocess.Popen([sys.executable, HERE / "emulator.py", "--ready-file", ready, *arguments],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.host = self.url.partition("://")[2]
        assert self.url and ready.read_text() == self.url + "\n", "the emulator did not start"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.process.stdout.close()
        self._directory.cleanup()

    def connect(self):
        return http.client.HTTPConnection(self.host, timeout=10)

    def control(self, method, name, document=None):
        connection = self.connect()
        connection.request(method, f"/_emulator/{name}", None if document is None else json.dumps(document))
        answer = connection.getresponse()
        result = json.loads(answer.read())
        connection.close()
        if answer.status != 200:
            raise ValueError(result["error"])
        return result

    def mutate(self, action, **arguments):
        return self.control("POST", "mutate", {"action": action, **arguments})

    def headers(self, path, key=EXAMPLE_KEY, region="us-east-1", service="appconfig", method="GET", body=None, ahead=0):
        """The headers of a signed request, of a client whose clock is so many seconds ahead."""
        request = AWSRequest(method, self.url + path, data=body)
        signer = SigV4Auth(Credentials(*key), service, region)
        request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + ahead))
        signer._modify_request_before_signing(request)
        string_to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(string_to_sign, request))
        return {"Host": self.host, **dict(request.headers.items())}

    def get(self, path, connection=None, headers=None, **signing):
        """A signed GET: status, headers, body, and the body's JSON if it is that."""
        return self.request("GET", path, headers or self.headers(path, **signing), connection=connection)

    def request(self, method, path, headers=None, body=None, connection=None):
        """Any request, as it is: status, headers, body, and the body's JSON if it is that."""
        used = connection or self.connect()
        try:
            used.request(method, path, body, headers or {})
            answer = used.getresponse()
            body = answer.read()
        finally:
            if connection is None:
                used.close()
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = None
        code = (answer.getheader("x-amzn-ErrorType") or "").partition(":")[0]
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=body, json=document, code=code)

    def sts(self, action, key=EXAMPLE_KEY, accept="application/json", service="sts", region="us-east-1", **parameters):
        """A call of STS, signed if there is a key, answered as request() does."""
        body = urlencode({"Action": action, "Version": "2011-06-15", **parameters})
        headers = {"Host": self.host, "Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
        if key:
            headers |= self.headers("/", key, region, service, "POST", body)
        return self.request("POST", "/", headers, body)

    def pages(self, path, connection=None, **query):
        """All pages of a list, as get() answers them."""
        pages = [self.get(target(path, **query), connection)]
        while pages[-1].json.get("NextToken"):
            pages.append(self.get(target(path, **query, next_token=pages[-1].json["NextToken"]), connection))
        return pages

    def items(self, path, connection=None, **query):
        """All items of a list."""
        return [item for page in self.pages(path, connection, **query) for item in page.json["Items"]]


class Served(unittest.TestCase):
    """Tests against a running emulator, which the tests of a class share."""

    arguments = ("--data", "nasty")

    @classmethod
    def setUpClass(cls):
        cls.emulator = RunningEmulator(*cls.arguments)
        cls.addClassCleanup(cls.emulator.__exit__)

    def setUp(self):
        self.emulator.control("DELETE", "faults")
        self.emulator.control("DELETE", "log")

    def get(self, path, **options):
        return self.emulator.get(path, **options)

    def refused(self, path, status, code, message=".*", **options):
        answer = self.get(path, **options)
        self.assertEqual((answer.status, answer.code), (status, code), answer.body)
        self.assertRegex(answer.json.get("Message", answer.json.get("message")), message)
        return answer

    def stats(self):
        return self.emulator.control("GET", "stats")

    def log(self):
        return self.emulator.control("GET", "log")
