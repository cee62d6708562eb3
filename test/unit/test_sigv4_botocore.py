#!/usr/bin/python3
"""Signs random requests with src/aws_sigv4.c and with botocore, and compares.

The requests come from a fixed seed, so a failure can be repeated; the seed is
in SIGV4_SEED, their number in SIGV4_REQUESTS.  Segments and parameters are
encoded on either side: by src/uri.c, and by Python's urllib.  The output is
TAP.
"""

import datetime
import os
import random
import subprocess
import sys
import urllib.parse

try:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    print("1..0 # SKIP botocore is not installed")
    sys.exit(0)

CLI = os.environ.get("SIGV4_CLI", "build/sigv4_cli")
SEED = int(os.environ.get("SIGV4_SEED", "20261001"))
REQUESTS = int(os.environ.get("SIGV4_REQUESTS", "500"))

# what breaks signers, beside what does not
PIECES = [" ", "  ", "/", "%", "%20", "%2F", "+", "=", "&", "?", "#", "~", "-",
          ".", "_", "*", "'", "(", ")", "!", ",", ";", ":", "@", "$", "\\", '"',
          "<", ">", "[", "]", "^", "`", "{", "|", "}", "\t", "\n", "é", "ß",
          "ሴ", "日本", "😀", "a", "B", "z9", "My App", "run-1"]
HEADERS = ["Accept", "X-Custom", "x-custom", "X-Other", "Content-Type"]
# not Transfer-Encoding, which older versions of botocore do sign
UNSIGNED = ["User-Agent", "Expect", "X-Amzn-Trace-Id"]
HEADER_PIECES = ["a", "B", "1", " ", "   ", "\t", '"', ",", ";", "=", "/"]
ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def text(rng, pieces=PIECES, least=1, most=8):
    return "".join(rng.choice(pieces)
                   for _ in range(rng.randint(least, most)))


def random_request(rng):
    """Returns a request as the user knows it, nothing encoded."""
    request = {
        "time": rng.randint(0, 4102444800),
        "region": rng.choice(["us-east-1", "eu-central-1", "cn-north-1"]),
        "service": rng.choice(["appconfig", "sts"]),
        "key": "AKID" + text(rng, ALNUM, 4, 16),
        "secret": text(rng, ALNUM + "/+", 1, 90),
        "token": None,
        "method": rng.choice(["GET", "GET", "GET", "POST", "DELETE"]),
        "segments": [text(rng) for _ in range(rng.randint(1, 6))],
        "parameters": [],
        "headers": [("Host", "appconfig.example.com")],
        "payload": "",
    }
    if rng.random() < 0.5:
        request["token"] = text(rng, ALNUM + "/+=", 1, 400)
    if rng.random() < 0.1:
        request["segments"].insert(rng.randint(0, len(request["segments"])),
                                   rng.choice(["", ".", ".."]))
    names = [text(rng, most=3) for _ in range(rng.randint(0, 4))]
    for name in names:
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            request["parameters"].append((name, text(rng, least=0)))
    rng.shuffle(request["parameters"])
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        request["headers"].append(
            (rng.choice(HEADERS + UNSIGNED),
             text(rng, HEADER_PIECES, 0, 10)))
    if request["method"] == "POST":
        request["payload"] = text(rng, most=40)
    return request


def hexed(value):
    return value.encode().hex()


def to_line(request):
    """Returns the request as sigv4_cli reads it."""
    fields = ["t:%d" % request["time"]]
    for letter, name in (("r", "region"), ("v", "service"), ("k", "key"),
                         ("x", "secret"), ("s", "token"), ("m", "method"),
                         ("b", "payload")):
        if request[name] is not None:
            fields.append("%s:%s" % (letter, hexed(request[name])))
    fields += ["g:" + hexed(s) for s in request["segments"]]
    for letter, name in (("q", "parameters"), ("h", "headers")):
        fields += ["%s:%s:%s" % (letter, hexed(n), hexed(v))
                   for n, v in request[name]]
    return "\t".join(fields) + "\n"


def encode(value):
    return urllib.parse.quote(value, safe="-._~")


def botocore_sign(request):
    """Returns what sigv4_cli is to print, made by botocore.

    The steps are those of SigV4Auth.add_auth, which would take the time from
    the clock.
    """
    path = "".join("/" + encode(s) for s in request["segments"])
    query = "&".join(encode(n) + "=" + encode(v)
                     for n, v in request["parameters"])
    moment = datetime.datetime.fromtimestamp(request["time"],
                                             datetime.timezone.utc)
    date = moment.strftime("%Y%m%dT%H%M%SZ")
    auth = SigV4Auth(
        Credentials(request["key"], request["secret"], request["token"]),
        request["service"], request["region"])
    aws = AWSRequest(
        method=request["method"],
        url="https://appconfig.example.com" + path + ("?" + query if query else ""),
        data=request["payload"].encode())
    for name, value in request["headers"]:
        aws.headers.add_header(name, value)
    aws.context["timestamp"] = date
    auth._modify_request_before_signing(aws)
    canonical_request = auth.canonical_request(aws)
    string_to_sign = auth.string_to_sign(aws, canonical_request)
    auth._inject_signature_to_request(aws,
                                      auth.signature(string_to_sign, aws))
    return [path, query, date, aws.headers["Authorization"],
            canonical_request]


def main():
    rng = random.Random(SEED)
    requests = [random_request(rng) for _ in range(REQUESTS)]
    output = subprocess.run(
        [CLI], input="".join(map(to_line, requests)).encode(),
        stdout=subprocess.PIPE, check=True,
        env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0")).stdout.decode()
    answers = [line.split("\t") for line in output.splitlines()]

    failures = 0
    print("1..%d" % (len(requests) + 1))
    print("%sok 1 - an answer to each request"
          % ("" if len(answers) == len(requests) else "not "))
    failures += len(answers) != len(requests)
    for n, (request, got) in enumerate(zip(requests, answers)):
        expected = botocore_sign(request)
        got[4] = bytes.fromhex(got[4]).decode()
        same = got == expected
        failures += not same
        print("%sok %d - request %d of seed %d"
              % ("" if same else "not ", n + 2, n, SEED))
        if not same:
            print("# request: %r\n# got: %r\n# expected: %r"
                  % (request, got, expected), file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
