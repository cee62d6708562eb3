#!/usr/bin/python3
"""The emulator's own tests, but those of test_credentials.py: run this file, or `python3 -m unittest` beside it.

They hold the emulator to what its files promise: paging, constraints, name resolution, signatures,
faults, log, control.  Whether it answers as AWS does is for check_model.py and check_sdk.sh.
Nothing here waits for a length of time except for the latencies that it asks for.
"""

import http.client
import io
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from botocore.credentials import Credentials

import dataset
from faults import DELIVERIES, KINDS, TRANSFORMS
from harness import EXAMPLE_KEY, HERE, RunningEmulator, Served, segment, target
from httpd import Request
from limits import Limits
from service import DEFAULT_PAGE_SIZE, OPERATIONS, normalized_segments
from signature import WireRequest, WireSigner
from store import Store

RUN = "/applications/339ohji/experimentdefinitions/bsxyd7k/experimentruns/1"
RUNS = "/applications/app120x/experimentdefinitions/def120x/experimentruns"
QUIRKS = "/applications/quirks1/experimentdefinitions/quirkd1/experimentruns"
ID = re.compile(r"(?=.*[0-9])[a-z0-9]{7}")


def dump_text(store):
    out = io.StringIO()
    store.dump(out)
    return out.getvalue()


class DataSets(unittest.TestCase):
    def test_same_for_the_same_seed(self):
        for name in ("demo", "standard", "nasty", "scale:1500", "account:2,3,4,1"):
            self.assertEqual(dump_text(dataset.build(name, 1)), dump_text(dataset.build(name, 1)))
        self.assertNotEqual(dump_text(dataset.build("nasty", 1)), dump_text(dataset.build("nasty", 2)))

    def test_dump_and_load(self):
        text = dump_text(dataset.build("nasty"))
        self.assertEqual(dump_text(Store.load(json.loads(text))), text)

    def test_ids(self):
        store = dataset.build("nasty")
        for documents in (store.applications.values(), store.all_environments(), store.all_profiles(),
                          store.all_definitions()):
            ids = [document["Id"] for document in documents]
            self.assertEqual(len(ids), len(set(ids)))
            for identifier in ids:
                self.assertRegex(identifier, ID)

    def test_scale(self):
        store = dataset.build("scale:2500")
        self.assertEqual([len(table.numbers()) for table in store.runs.values()], [1, 1000, 1000, 500])
        self.assertIsNone(store.runs["scale01", "sc00003"].get(501))

    def test_account(self):
        store = dataset.build("account:2,7,24,5")
        self.assertEqual([len(definitions) for definitions in store.definitions.values()], [4, 3])
        runs = [[table.get(number).document["Status"] for number in table.numbers()] for table in store.runs.values()]
        self.assertEqual(runs, [["RUNNING"] + ["DONE"] * 4] * 3 + [["RUNNING"] + ["DONE"] * 3] * 2 + [["DONE"] * 3] * 2)

    def test_unknown_name(self):
        for name in ("", "scale:", "scale:0", "scale:x", "Demo", "account:1", "account:0,1,1,1", "account:1,1,1,x"):
            with self.assertRaises(ValueError):
                dataset.build(name)


class Signing(unittest.TestCase):
    """The verifier's use of botocore, against the two vectors that botocore itself gave."""

    VECTORS = {
        "/experimentdefinitions?application_identifier=My%20App&max_results=50":
            "112a24a48c3acf04d1280292b0a267ebd82b977760a95eb41dc8f36dcc7c10b4",
        "/applications/My%20App%2F1/experimentdefinitions/bsxyd7k/experimentruns/1":
            "d513c3d53331e10cdaeabb5e9a6fcfab864c0cd7cd4343f7eb20613e29adcf36",
    }

    def test_vectors(self):
        signer = WireSigner(Credentials(*EXAMPLE_KEY), "appconfig", "us-east-1")
        for path, signature in self.VECTORS.items():
            request = Request("GET", path, [("host", "appconfig.us-east-1.amazonaws.com"),
                                            ("x-amz-date", "20261001T000000Z"), ("user-agent", "unsigned")])
            wire = WireRequest(request, ["host", "x-amz-date"], "20261001T000000Z")
            string_to_sign = signer.string_to_sign(wire, signer.canonical_request(wire))
            self.assertEqual(signer.signature(string_to_sign, wire), signature)


class Paging(Served):
    def test_every_page_size_gives_every_item_once(self):
        for size in (None, 1, 7, 20, 49, 50):
            query = {} if size is None else {"max_results": size}
            pages = self.emulator.pages(RUNS, **query)
            numbers = [item["Run"] for page in pages for item in page.json["Items"]]
            self.assertEqual(numbers, list(range(120, 0, -1)))
            self.assertEqual(len(pages), -(-120 // (size or DEFAULT_PAGE_SIZE)))
            self.assertNotIn("NextToken", pages[-1].json)

    def test_no_items(self):
        path = "/applications/app120x/experimentdefinitions/norun00/experimentruns"
        self.assertEqual(self.get(path).json, {"Items": []})
        self.assertEqual(self.get("/applications/empty00/environments").json, {"Items": []})

    def test_filters(self):
        def count(**query):
            return len(self.emulator.items(RUNS, **query))

        def definitions(**query):
            return [item["Id"] for item in self.emulator.items("/experimentdefinitions", **query)]

        def profiles(kind):
            return [item["Id"] for item in self.emulator.items("/applications/shop4x1/configurationprofiles", type=kind)]

        self.assertEqual((count(status="DONE"), count(status="RUNNING"), count()), (100, 17, 120))
        self.assertEqual(definitions(application_identifier="storefront", status="ARCHIVED"), ["herob01"])
        self.assertEqual(definitions(environment_identifier="prod7e2"), ["addcrt1", "chkout2"])
        self.assertEqual(definitions(application_identifier="shop4x1", environment_identifier="staging"), ["herob01"])
        self.assertEqual(definitions(configuration_profile_identifier="search-flags"), ["rankng3"])
        self.assertEqual(len(definitions(application_identifier="many120")), 120)
        self.assertEqual(profiles("AWS.Freeform"), ["themep2"])

    def test_tokens_are_for_the_same_request_only(self):
        token = self.get(target(RUNS, max_results=10)).json["NextToken"]
        self.assertEqual(self.get(target(RUNS, max_results=10, next_token=token)).json["Items"][0]["Run"], 110)
        for path, query in (
                (RUNS, {"max_results": 11}), (RUNS, {}), (RUNS, {"max_results": 10, "status": "DONE"}),
                (RUNS.replace("def120x", "weekly-price-test"), {"max_results": 10}),
                ("/applications", {"max_results": 10}),
        ):
            self.refused(target(path, next_token=token, **query), 400, "BadRequestException",
                         "^Invalid nextToken parameter ")

    def test_made_up_tokens(self):
        for token in ("bogus", "WzFd", "é", "x" * 2048):
            answer = self.refused(target("/applications", next_token=token), 400, "BadRequestException")
            self.assertEqual(answer.json["Message"], f"Invalid nextToken parameter {token}.")

    def test_items_started_meanwhile_do_not_move_pages(self):
        path = "/applications/many120/experimentdefinitions/md00002/experimentruns"
        first = self.get(target(path, max_results=1)).json
        self.emulator.mutate("start_run", application="many120", definition="md00002")
        second = self.get(target(path, max_results=1, next_token=first["NextToken"])).json
        self.assertEqual([page["Items"][0]["Run"] for page in (first, second)], [2, 1])
        self.emulator.mutate("stop_run", application="many120", definition="md00002", run=3)


class Requests(Served):
    def test_constraints(self):
        long = "x" * 2049
        for path in (
                "/applications?max_results=0", "/applications?max_results=51", "/applications?max_results=ten",
                "/applications?max_results=", "/applications?next_token=", f"/applications/{'x' * 65}",
                f"/applications/339ohji/configurationprofiles/{'x' * 129}",
                "/applications/339ohji/configurationprofiles?type=%20",
                f"/applications/{long}/experimentdefinitions/x", f"/applications/x/experimentdefinitions/{long}",
                "/experimentdefinitions?application_identifier=", "/experimentdefinitions?status=DONE",
                RUNS + "?status=ACTIVE", RUNS + "/0", RUNS + "/-1", RUNS + "/one", RUNS + "/2147483648",
        ):
            self.refused(path, 400, "BadRequestException", "^1 validation error detected: ")

    def test_longest_values_are_only_unknown(self):
        for path in (f"/applications/{'x' * 64}", f"/applications/{'x' * 2048}/experimentdefinitions/x",
                     RUNS + "/2147483647", f"/experimentdefinitions?environment_identifier={'x' * 2048}"):
            self.refused(path, 404, "ResourceNotFoundException")

    def test_not_found(self):
        answer = self.refused("/applications/zzzzzzz", 404, "ResourceNotFoundException",
                              "^Application with Id zzzzzzz could not be found for account 1")
        self.assertEqual(answer.headers["x-amzn-ErrorType"], "ResourceNotFoundException:")
        for path in ("/applications/zzzzzzz/environments", "/applications/339ohji/environments/zzzzzzz",
                     "/applications/339ohji/configurationprofiles/zzzzzzz", RUN.replace("bsxyd7k", "zzzzzzz"),
                     RUN + "7", RUN + "7/events", "/experimentdefinitions?application_identifier=zzzzzzz"):
            self.refused(path, 404, "ResourceNotFoundException")

    def test_filters_on_what_is_gone(self):
        archived = self.get("/applications/app120x/experimentdefinitions/archgn0").json
        self.assertEqual(archived["EnvironmentId"], "gone0ev")
        for query in ({"environment_identifier": "gone0ev"}, {"configuration_profile_identifier": "gone0pf"},
                      {"application_identifier": "339ohji", "environment_identifier": "prod7e2"}):
            self.refused(target("/experimentdefinitions", **query), 404, "ResourceNotFoundException")

    def test_names(self):
        for index, name in enumerate(dataset.WEIRD_NAMES, start=1):
            if name in (".", ".."):
                continue
            path = f"/applications/{segment(name)}/experimentdefinitions/{segment(name)}"
            self.assertEqual(self.get(path).json["Id"], f"wd{index:05d}")
            listed = self.emulator.items("/experimentdefinitions", application_identifier=name)
            self.assertEqual([item["Id"] for item in listed], [f"wd{index:05d}"])

    def test_older_operations_take_ids_only(self):
        for path in ("/applications/storefront", "/applications/storefront/environments",
                     "/applications/shop4x1/environments/production", "/applications/storefront/configurationprofiles"):
            self.refused(path, 404, "ResourceNotFoundException")

    def test_ids_win(self):
        self.assertEqual(self.get("/applications/nasty01/experimentdefinitions/nastyd1").json["Name"], "plain")
        listed = self.emulator.items("/experimentdefinitions", application_identifier="nasty01",
                                     environment_identifier="nastye1")
        self.assertEqual([item["Id"] for item in listed], ["nastyd1"])

    def test_dot_segments_and_empty_ones_are_another_path(self):
        for path in ("/applications/.", "/applications/", "//applications", "/x/../applications",
                     "/applications/x/%2e%2E"):
            self.assertEqual(self.get(path).json, self.get("/applications").json)
        self.assertEqual(normalized_segments("/a/%2E/b//../c%2F.."), ["a", "c%2F.."])

    def test_unknown_operations(self):
        for path in ("/", "/nothing", RUN + "/events/1", "/applications/339ohji/experimentruns"):
            self.refused(path, 404, "UnknownOperationException")

    def test_every_answer_has_id_and_date(self):
        for sequence, path in enumerate(("/applications", "/applications/zzzzzzz", "/nothing"), start=1):
            answer = self.get(path)
            self.assertEqual(answer.headers["x-amzn-RequestId"], f"00000000-0000-4000-8000-{sequence:012d}")
            self.assertRegex(answer.headers["Date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")

    def test_headers_of_faults_replace_others(self):
        self.emulator.control("POST", "faults", [{"kind": "status", "headers": {"X-Amzn-RequestId": "mine"}}])
        self.assertEqual(self.get("/applications").headers.get_all("x-amzn-RequestId"), ["mine"])

    def test_byte_formats(self):
        body = self.get(RUN).body
        self.assertIn(b'"ExposurePercentage":50.0,', body)
        self.assertIn(b'"StartedAt":"2026-06-16T17:57:10.046Z"', body)
        self.assertNotIn(b"null", body)
        self.assertIn(b'"n0":{"NumberValue":1e+300}', self.get(f"{QUIRKS}/8").body)
        self.assertIn(b"-0.0", self.get(f"{QUIRKS}/8").body)
        self.assertIn(b"12345678901234567890", self.get(f"{QUIRKS}/9").body)

    def test_http(self):
        connection = self.emulator.connect()
        for _ in range(3):
            self.assertEqual(self.get("/applications", connection=connection).status, 200)
        connection.close()
        self.assertEqual(self.stats()["connections_used"], 1)
        with socket.create_connection(self.emulator.host.split(":")) as raw:
            raw.sendall(b"nonsense\r\n\r\n")
            self.assertTrue(raw.recv(100).startswith(b"HTTP/1.1 400 "))
            self.assertEqual(raw.recv(100)[-11:], b"")

    def test_pipelined_requests_are_answered_in_order(self):
        with socket.create_connection(self.emulator.host.split(":")) as raw:
            raw.sendall(b"GET /_emulator/stats HTTP/1.1\r\n\r\nGET /_emulator/nothing HTTP/1.1\r\n\r\n")
            raw.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: raw.recv(65536), b""))
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", received), [b"200", b"404"])


class LoneSurrogates(Served):
    """JSON can have half of a pair, escaped; UTF-8 cannot."""

    def test_documents_and_lists(self):
        text = '{"Description":"\\ud800 \\udfff \\ud83d\\ude00"}'
        connection = self.emulator.connect()
        self.emulator.mutate("put_raw_run", application="many120", definition="md00001", run=1, text=text)
        runs = "/applications/many120/experimentdefinitions/md00001/experimentruns"
        self.assertEqual(self.get(runs + "/1", connection=connection).body, text.encode())
        listed = self.get(runs, connection=connection)
        self.assertIn('"Description":"\\ud800 \\udfff \U0001f600"'.encode(), listed.body)
        self.assertEqual(listed.json["Items"][0]["Description"], "\ud800 \udfff \U0001f600")
        application = self.get("/applications/many120").json
        self.emulator.mutate("put", kind="application", document={**application, "Name": "a\udc00"})
        self.assertIn(rb'"Name":"a\udc00"', self.get("/applications/many120", connection=connection).body)
        connection.close()
        self.assertEqual(self.stats()["connections_used"], 2)
        self.assertIn("a\udc00", [each["Name"] for each in self.emulator.control("GET", "dump")["applications"]])

    def test_faults(self):
        for rule in ({"kind": "status", "code": "Fault", "message": "\ud800"}, {"kind": "status", "body": "\ud800"}):
            self.emulator.control("POST", "faults", [rule])
            self.assertIn(rb"\ud800", self.get(RUN).body)


class RateLimits(unittest.TestCase):
    """The buckets, on a clock of the test's own."""

    def setUp(self):
        self.now = 1000.0

    def granted(self, limits, operation, calls):
        return sum(limits.take(operation) for _ in range(calls))

    def test_bursts_and_rates(self):
        limits = Limits(clock=lambda: self.now)
        self.assertEqual(self.granted(limits, "ListApplications", 50), 10)
        self.assertEqual(self.granted(limits, "GetExperimentRun", 500), 100)
        self.now += 0.5
        self.assertEqual(self.granted(limits, "ListExperimentRuns", 50), 5)
        self.assertEqual(self.granted(limits, "GetExperimentRun", 500), 50)
        self.now += 3600
        self.assertEqual(self.granted(limits, "ListExperimentRunEvents", 50), 10)
        self.assertEqual(self.granted(limits, "GetApplication", 500), 100)

    def test_throttled_calls_take_nothing(self):
        limits = Limits(2, 2, clock=lambda: self.now)
        self.assertEqual(self.granted(limits, "GetExperimentRun", 1000), 2)
        for _ in range(4):
            self.now += 0.25
            self.granted(limits, "GetExperimentRun", 1000)
        self.now += 0.5
        self.assertEqual(self.granted(limits, "GetExperimentRun", 1000), 1)

    def test_slow_rates_begin_with_a_call(self):
        limits = Limits(0.5, 0.25, clock=lambda: self.now)
        self.assertEqual(self.granted(limits, "GetExperimentRun", 9), 1)
        self.now += 1.99
        self.assertEqual(self.granted(limits, "GetExperimentRun", 9), 0)
        self.now += 0.01
        self.assertEqual(self.granted(limits, "GetExperimentRun", 9), 1)

    def test_parse(self):
        limits = Limits.parse("3,0.5")
        self.assertEqual(self.granted(limits, "GetExperimentRun", 9), 3)
        self.assertEqual(self.granted(limits, "ListApplications", 9), 1)
        for text in ("", "3", "3,", "1,2,3", "0,1", "1,-1", "nan,1", "1,inf", "x,y"):
            with self.assertRaises(ValueError):
                Limits.parse(text)


class Limited(Served):
    """An emulator with limits so low that no bucket fills up again while a test runs."""

    arguments = ("--data", "nasty", "--limits", "0.0001,0.0001")

    def test_throttles(self):
        self.assertEqual(self.get("/applications", key=("AKIDNOBODY", "x")).status, 403)
        self.assertEqual(self.get("/nothing").status, 404)
        self.assertEqual(self.get("/applications").status, 200)
        self.assertEqual(self.get(RUN).status, 200)
        for path, key in (("/applications", EXAMPLE_KEY), (RUN, ("AKIDOTHER", "other-secret")),
                          (RUN, ("AKIDDENIED", "denied-secret"))):
            answer = self.get(path, key=key)
            self.assertEqual((answer.status, answer.code), (429, "ThrottlingException"))
            self.assertEqual(answer.json, {"message": "Rate exceeded"})
        self.assertEqual(self.stats()["throttled"], 3)
        self.assertEqual([entry.get("throttled", False) for entry in self.log()], [False] * 4 + [True] * 3)

    def test_arguments(self):
        with RunningEmulator("--limits", "--data", "demo") as emulator:
            self.assertEqual(emulator.get("/applications").status, 200)
        refused = subprocess.run([sys.executable, HERE / "emulator.py", "--limits", "0,10"], capture_output=True,
                                 text=True)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--limits", refused.stderr)


class NamesWin(Served):
    arguments = ("--data", "nasty", "--names-win")

    def test_names_win(self):
        listed = self.emulator.items("/experimentdefinitions", application_identifier="nasty01")
        self.assertEqual([item["Id"] for item in listed], ["nastyd3", "nastyd4"])
        self.assertEqual(self.get("/applications/nasty%20one/experimentdefinitions/nastyd1").json["Id"], "nastyd2")


class Signatures(Served):
    DENIED = ("AKIDDENIED", "denied-secret")

    def test_identities(self):
        self.assertEqual(self.get(RUN).status, 200)
        self.assertEqual(self.get(RUN, key=("AKIDOTHER", "other-secret")).status, 200)
        self.assertEqual(self.get(RUN, key=("ASIATEMPORARY", "temporary-secret", "temporary-token")).status, 200)
        self.assertEqual([entry["key"] for entry in self.log()], ["AKIDEXAMPLE", "AKIDOTHER", "ASIATEMPORARY"])

    def test_refused_identities(self):
        for key, code in (
                (("AKIDNOBODY", "x"), "UnrecognizedClientException"),
                (("AKIDEXAMPLE", "x"), "InvalidSignatureException"),
                (("AKIDOTHER", "other-secret", "token"), "UnrecognizedClientException"),
                (("ASIATEMPORARY", "temporary-secret"), "UnrecognizedClientException"),
                (("ASIATEMPORARY", "temporary-secret", "x"), "UnrecognizedClientException"),
                (("ASIAEXPIRED", "expired-secret", "expired-token"), "ExpiredTokenException"),
        ):
            answer = self.refused(RUN, 403, code, key=key)
            self.assertEqual(list(answer.json), ["message"])

    def test_denied(self):
        for path, action, resource in (
                (RUN, "GetExperimentRun", "application/339ohji/experimentdefinition/bsxyd7k/experimentrun/1"),
                (RUN + "/events", "ListExperimentRunEvents",
                 "application/339ohji/experimentdefinition/bsxyd7k/experimentrun/1"),
                ("/applications/339ohji/environments", "ListEnvironments", "application/339ohji"),
        ):
            answer = self.refused(path, 403, "AccessDeniedException", key=self.DENIED)
            self.assertEqual(answer.json["Message"], "User: arn:aws:iam::111122223333:user/denied is not authorized "
                             f"to perform: appconfig:{action} on resource: "
                             f"arn:aws:appconfig:us-east-1:111122223333:{resource}")
        self.refused("/applications", 403, "AccessDeniedException", r"on resource: \*$", key=self.DENIED)

    def test_unsigned(self):
        answer = self.get("/applications", headers={"Host": self.emulator.host})
        self.assertEqual((answer.status, answer.code), (403, ""))
        self.assertIn(b"<MissingAuthenticationTokenException>", answer.body)

    def test_scope(self):
        self.refused("/applications", 403, "InvalidSignatureException", "valid region", region="eu-west-1")
        self.refused("/applications", 403, "InvalidSignatureException", "correct service", service="s3")

    def altered(self, code, message=".*", path=RUN, sent=None, **changes):
        """Signs a request for one path, changes headers, perhaps sends it to another path: must be refused."""
        headers = {**self.emulator.headers(path), **changes}
        self.refused(sent or path, 403, code, message, headers=headers)

    def test_what_is_signed_cannot_be_changed(self):
        self.altered("InvalidSignatureException", "does not match", sent=RUN + "7")
        self.altered("InvalidSignatureException", "does not match", sent=RUN + "?max_results=1")
        self.altered("InvalidSignatureException", "does not match", Host="other.example")

    def test_amazon_headers_must_be_signed(self):
        self.altered("InvalidSignatureException", "must be a 'SignedHeader'", **{"X-Amz-Security-Token": "x"})

    def test_encoding_must_be_canonical(self):
        filtered = "/experimentdefinitions?application_identifier="
        self.altered("InvalidSignatureException", "does not match", path=filtered + "a+b")
        self.altered("InvalidSignatureException", "does not match", path=filtered + "a/b")
        self.assertEqual(self.get(filtered + "a%2Fb").status, 200)

    def test_malformed_authorization(self):
        for value in ("nonsense", "AWS4-HMAC-SHA256 Credential=x", "Bearer token"):
            self.altered("IncompleteSignatureException", Authorization=value)
        headers = self.emulator.headers(RUN)
        del headers["X-Amz-Date"]
        self.refused(RUN, 403, "InvalidSignatureException", "Date in Credential scope", headers=headers)

    def test_clock(self):
        for seconds, message in ((3600, r"^Signature expired: .* - 5 min.\)$"),
                                 (-3600, r"^Signature not yet current: .* \+ 5 min.\)$")):
            self.emulator.mutate("set_clock", seconds=seconds)
            self.refused(RUN, 403, "InvalidSignatureException", message)
        self.emulator.mutate("set_clock", seconds=290)
        self.assertEqual(self.get(RUN).status, 200)
        self.emulator.mutate("set_clock", seconds=0)


class WithoutVerification(Served):
    arguments = ("--no-verify", "--data", "scale:1001")

    def test_unsigned(self):
        answer = self.get("/applications/scale01/experimentdefinitions/sc00002/experimentruns/1", headers={"Host": "x"})
        self.assertEqual(answer.json["Run"], 1)


class AnyRegion(Served):
    arguments = ("--region", "any")

    def test_region(self):
        self.assertEqual(self.get("/applications", region="eu-west-1").status, 200)


class FaultyAnswers(Served):
    def fault(self, kind, **options):
        self.emulator.control("POST", "faults", [{"kind": kind, **options}])

    def test_every_kind_is_described(self):
        self.assertEqual({*TRANSFORMS, *DELIVERIES, "latency", "date", "change"}, set(KINDS))

    def test_rules_choose_requests(self):
        self.emulator.control("POST", "faults", [
            {"kind": "error500", "operation": "GetExperimentRun", "after": 1, "times": 1},
            {"kind": "throttle", "path": "max_results=7"}])
        self.assertEqual([self.get(RUN).status for _ in range(3)], [200, 500, 200])
        self.assertEqual(self.get("/applications").status, 200)
        self.assertEqual(self.get("/applications?max_results=7").status, 429)
        self.assertEqual([entry["fault"] for entry in self.log()], [None, "error500", None, None, "throttle"])

    def test_rules_are_checked(self):
        for rule in ({"kind": "nonsense"}, {"kind": "reset", "typo": 1}):
            with self.assertRaises(ValueError):
                self.emulator.control("POST", "faults", [rule])

    def test_errors(self):
        for kind, options, status, code in (
                ("throttle", {}, 429, "ThrottlingException"),
                ("throttle", {"status": 400, "headers": {"Retry-After": "2"}}, 400, "ThrottlingException"),
                ("error500", {}, 500, "InternalServerException"),
                ("unavailable503", {}, 503, "ServiceUnavailableException"),
                ("status", {"status": 418, "code": "Teapot", "message": "short"}, 418, "Teapot"),
                ("skew", {}, 403, "RequestTimeTooSkewed"),
                ("skew", {"code": "InvalidSignatureException"}, 403, "InvalidSignatureException"),
        ):
            self.fault(kind, **options)
            answer = self.refused(RUN, status, code)
            for name, value in options.get("headers", {}).items():
                self.assertEqual(answer.headers[name], value)

    def test_other_bodies(self):
        for kind, options, status, body in (
                ("status", {"status": 502}, 502, b""),
                ("status", {"status": 200, "body": "42"}, 200, b"42"),
                ("html503", {}, 503, b"<html><body><h1>503 Service Unavailable</h1></body></html>"),
                ("redirect", {}, 302, b""),
                ("garbage-bytes", {}, 200, bytes(range(256))),
                ("deep", {"bytes": 3}, 200, b'{"Items":[[[]]]}'),
        ):
            self.fault(kind, **options)
            answer = self.get(RUN)
            self.assertEqual((answer.status, answer.body), (status, body))

    def test_broken_bodies(self):
        right = self.get(RUN).body
        self.fault("malformed")
        self.assertEqual(self.get(RUN).body, right[:len(right) // 2])
        self.fault("trailing-garbage")
        self.assertTrue(self.get(RUN).body.startswith(right))
        self.assertIsNone(self.get(RUN).json)
        self.fault("invalid-utf8", member="Status")
        self.assertIn(b'"Status":"\xff', self.get(RUN).body)
        self.fault("nul-escape", member="ExecutiveSummary")
        self.assertEqual(self.get(RUN).json["Result"]["ExecutiveSummary"][0], "\0")
        self.fault("huge", bytes=5_000_000)
        answer = self.get(RUN)
        self.assertEqual(len(answer.body), 5_000_000)
        del answer.json["Padding"]
        self.assertEqual(answer.json, json.loads(right))

    def test_other_documents(self):
        right = self.get(RUN).json
        self.fault("not-object")
        self.assertEqual(self.get(RUN).json, [right])
        self.fault("wrong-type", member="Run")
        self.assertEqual(self.get(RUN).json, {**right, "Run": "1"})
        self.fault("wrong-type")
        self.assertTrue(all(not isinstance(value, type(right[member])) for member, value in self.get(RUN).json.items()))
        self.fault("null-members")
        answer = self.get(RUN).json
        self.assertEqual(answer["Description"], None)
        self.assertEqual(answer["ExperimentDefinitionSnapshot"]["Control"]["FlagValue"]["AttributeValues"], None)
        self.fault("null-members", member="Status")
        self.assertEqual(self.get(RUN).json, {**right, "Status": None})
        self.fault("duplicate-members")
        answer = self.get(RUN)
        self.assertEqual(answer.json, right)
        self.assertEqual(answer.body.count(b'"ExposurePercentage":'), 2)

    def test_tokens(self):
        self.fault("repeat-token")
        first, second = (self.get(target(RUNS, max_results=50)).json for _ in range(2))
        for _ in range(3):
            second = self.get(target(RUNS, max_results=50, next_token=first["NextToken"])).json
            self.assertEqual(second["NextToken"], first["NextToken"])
        self.fault("repeat-token")
        self.assertIn("NextToken", self.get("/applications/empty00/environments").json)

    def test_empty_pages(self):
        for after in (0, 1, 2):
            self.fault("empty-page", times=2, after=after)
            pages = self.emulator.pages(RUNS, max_results=50)
            self.assertEqual(len(pages), 5)
            self.assertEqual([page.json["Items"] for page in pages].count([]), 2)
            tokens = [page.json.get("NextToken") for page in pages]
            self.assertEqual(len(set(tokens)), 5)
            self.assertEqual(sum(len(page.json["Items"]) for page in pages), 120)

    def test_broken_deliveries(self):
        for kind, error in (("reset", ConnectionResetError), ("reset-midbody", ConnectionResetError),
                            ("truncate", http.client.IncompleteRead), ("chunked-truncate", http.client.IncompleteRead)):
            self.fault(kind)
            with self.assertRaises(error):
                self.get(RUN)
        self.assertEqual(self.stats()["in_flight"], 0)

    def test_slow_and_odd_deliveries(self):
        right = self.get(RUN).json
        for kind, options in (("chunked", {"bytes": 7}), ("close", {}), ("drip", {"ms": 0}), ("latency", {"ms": 1})):
            self.fault(kind, **options)
            self.assertEqual(self.get(RUN).json, right)
        self.fault("latency", ms=30)
        begin = time.monotonic()
        self.get(RUN)
        self.assertGreaterEqual(time.monotonic() - begin, 0.03)

    def test_close(self):
        self.fault("close")
        connection = self.emulator.connect()
        self.assertEqual(self.get(RUN, connection=connection).status, 200)
        with self.assertRaises(ConnectionError):
            self.get(RUN, connection=connection)
        connection.close()

    def test_dates(self):
        for text in ("Mon, 01 Jan 1601 00:00:00 GMT", "yesterday"):
            self.fault("date", date=text)
            answer = self.get(RUN)
            self.assertEqual((answer.status, answer.headers.get_all("Date")), (200, [text]))

    def test_encoded(self):
        right = self.get(RUN).body
        self.fault("encoded", message="gzip")
        answer = self.get(RUN)
        self.assertEqual((answer.headers["Content-Encoding"], answer.body), ("gzip", right))

    def raw(self, enough):
        """What arrives after a GET until it is enough, or all."""
        with socket.create_connection(self.emulator.host.split(":"), timeout=10) as sock:
            headers = "".join(f"{name}: {value}\r\n" for name, value in self.emulator.headers(RUN).items())
            sock.sendall(f"GET {RUN} HTTP/1.1\r\n{headers}\r\n".encode())
            received = b""
            while not enough(received):
                piece = sock.recv(65536)
                if not piece:
                    break
                received += piece
        return received

    def test_unasked_answers(self):
        right = self.get(RUN).body
        for ms in (0, 1):
            self.fault("unasked", ms=ms)
            received = self.raw(lambda received: False)
            self.assertIn(right + b"HTTP/1.1 408 Request Timeout\r\n", received)
            self.assertTrue(received.endswith(b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
            self.fault("unasked", ms=ms, status=200, body="{}", bytes=50_000)
            received = self.raw(lambda received: received.endswith(b"\r\n\r\n{}"))
            self.assertEqual(received.count(b"HTTP/1.1 200 OK\r\n"), 2)
            self.assertIn(b"\r\nContent-Length: 50000\r\n", received)
        self.assertEqual(self.until_in_flight(0), 0)

    def test_endless_answers(self):
        for kind, piece in (("interim", b"HTTP/1.1 103 Early Hints\r\n\r\n"), ("headers", b"\r\nX-Filler: xxx"),
                            ("header-line", b"xxxxxxxxxx"), ("chunk-extension", b"xxxxxxxxxx"),
                            ("deflate", b"\x00\x00\x00\xff\xff"), ("gzip-name", b"xxxxxxxxxx")):
            self.fault(f"endless-{kind}", bytes=100)
            received = self.raw(lambda received: len(received) > 500_000)
            self.assertGreater(received[-10_000:].count(piece), 5)
            self.assertEqual(self.until_in_flight(0), 0)

    def test_hanging_ends_with_the_client(self):
        self.fault("hang")
        connection = self.emulator.connect()
        connection.request("GET", RUN, headers=self.emulator.headers(RUN))
        self.assertEqual(self.until_in_flight(1), 1)
        connection.close()
        self.assertEqual(self.until_in_flight(0), 0)

    def until_in_flight(self, count):
        """Asks until so many requests are in flight, but not for ever."""
        for _ in range(1000):
            in_flight = self.stats()["in_flight"]
            if in_flight == count:
                break
        return in_flight

    def test_peak(self):
        self.fault("hang")
        connections = [self.emulator.connect() for _ in range(5)]
        for connection in connections:
            connection.request("GET", RUN, headers=self.emulator.headers(RUN))
        self.assertEqual(self.until_in_flight(5), 5)
        for connection in connections:
            connection.close()
        self.assertEqual(self.until_in_flight(0), 0)
        stats = self.stats()
        self.assertEqual((stats["peak_in_flight"], stats["connections"]), (5, 5))
        self.assertEqual(sorted(entry["in_flight"] for entry in self.log()), [1, 2, 3, 4, 5])


class ManyAddresses(Served):
    arguments = ("--addresses", "3")

    def test_addresses(self):
        port = self.emulator.host.partition(":")[2]
        for last in (1, 2, 3):
            connection = http.client.HTTPConnection(f"127.0.0.{last}:{port}", timeout=10)
            self.assertEqual(self.get(RUN, connection=connection).status, 200)
            connection.close()


class Controlled(Served):
    arguments = ("--data", "standard")

    def test_log(self):
        self.get("/applications?max_results=3")
        self.get(RUN, headers={**self.emulator.headers(RUN), "amz-sdk-request": "attempt=2; max=3"})
        first, second = self.log()
        self.assertEqual(first, {
            "seq": 1, "operation": "ListApplications", "method": "GET", "target": "/applications?max_results=3",
            "connection": first["connection"], "in_flight": 1, "seconds": first["seconds"], "status": 200,
            "fault": None, "key": "AKIDEXAMPLE"})
        self.assertLessEqual(0, first["seconds"])
        self.assertLessEqual(first["seconds"], second["seconds"])
        self.assertEqual(second["attempt"], "attempt=2; max=3")
        self.assertEqual(second["connection"], first["connection"] + 1)
        self.assertEqual(self.emulator.control("DELETE", "log"), [first, second])
        self.assertEqual(self.log(), [])
        self.assertEqual(self.stats(), {"requests": 0, "operations": {}, "throttled": 0, "without_token": 0,
                                        "in_flight": 0, "peak_in_flight": 0, "connections": 0, "connections_used": 0})

    def test_life_of_a_run(self):
        base = "/applications/app120x/experimentdefinitions/norun00"
        where = {"application": "app120x", "definition": "norun00"}
        self.emulator.mutate("start_run", **where, exposure=5, description="first", overrides={"ann": "t1"})
        started = self.get(base + "/experimentruns/1").json
        self.assertEqual((started["Status"], started["ExposurePercentage"]), ("RUNNING", 5.0))
        self.assertEqual(self.get(base).json["Status"], "ACTIVE")
        self.emulator.mutate("update_run", **where, run=1, exposure=50)
        self.emulator.mutate("update_run", **where, run=1, overrides={}, description="changed")
        self.emulator.mutate("stop_run", **where, run=1, result={"ExecutiveSummary": "done"})
        stopped = self.get(base + "/experimentruns/1").json
        self.assertEqual((stopped["Status"], stopped["Result"], stopped["TreatmentOverrides"], stopped["Description"]),
                         ("DONE", {"ExecutiveSummary": "done"}, {"Inline": {}}, "changed"))
        self.assertEqual(stopped["EndedAt"], stopped["UpdatedAt"])
        self.assertEqual([event["EventType"] for event in self.emulator.items(base + "/experimentruns/1/events")],
                         ["RUN_STOPPED", "OVERRIDES_UPDATED", "EXPOSURE_UPDATED", "RUN_STARTED"])
        self.assertEqual(self.get(base).json["Status"], "IDLE")
        self.emulator.mutate("delete_definition", **where)
        self.refused(base, 404, "ResourceNotFoundException")

    def test_other_changes(self):
        self.emulator.mutate("rename_application", application="mobile6", name="phones")
        self.assertEqual(self.get("/applications/phones/experimentdefinitions/onbrd44").json["Id"], "onbrd44")
        self.emulator.mutate("delete_environment", application="mobile6", environment="prod6m1")
        self.refused("/experimentdefinitions?environment_identifier=prod6m1", 404, "ResourceNotFoundException")
        self.emulator.mutate("delete_profile", application="mobile6", profile="flagp63")
        self.assertEqual(self.get("/applications/mobile6/configurationprofiles").json["Items"], [])
        self.emulator.mutate("put", kind="environment",
                             document={"ApplicationId": "mobile6", "Id": "new0env", "Name": "n"})
        self.assertEqual(self.get("/applications/mobile6/environments/new0env").json["Name"], "n")
        self.emulator.mutate("put_events", application="mobile6", definition="onbrd44", run=1, events=[])
        path = "/applications/mobile6/experimentdefinitions/onbrd44/experimentruns/1/events"
        self.assertEqual(self.get(path).json, {"Items": []})
        self.emulator.mutate("delete_application", application="mobile6")
        self.refused("/applications/mobile6", 404, "ResourceNotFoundException")
        self.assertEqual(Store.load(self.emulator.control("GET", "dump")).applications.get("mobile6"), None)

    def test_raw_documents(self):
        where = {"application": "shop4x1", "definition": "herob01"}
        base = "/applications/shop4x1/experimentdefinitions/herob01"
        for text in ('{"Status": "DONE" ,"Run":1e0, "Run" : 2}', "{", "[]", ""):
            self.emulator.mutate("put_raw_run", **where, run=1, text=text)
            self.assertEqual(self.get(base + "/experimentruns/1").body, text.encode())
        listed = self.get(base + "/experimentruns").json["Items"]
        self.assertEqual(listed, [{"ExperimentDefinitionId": "herob01", "Run": 1, "Status": "DONE"}])
        self.emulator.mutate("put_raw_definition", **where, text='{"Name":"other", "Status":"ODD"}')
        self.assertEqual(self.get("/applications/shop4x1/experimentdefinitions/other").body,
                         b'{"Name":"other", "Status":"ODD"}')

    def test_refusals(self):
        for action, arguments in (("nonsense", {}), ("_tick", {}), ("stop_run", {}),
                                  ("stop_run", {"application": "x", "definition": "y", "run": 1})):
            with self.assertRaises(ValueError):
                self.emulator.mutate(action, **arguments)
        with self.assertRaises(ValueError):
            self.emulator.control("GET", "nothing")


class ControlClient(Served):
    def ctl(self, *arguments, status=0):
        done = subprocess.run([sys.executable, HERE / "ctl.py", *arguments], capture_output=True, text=True,
                              env={**os.environ, "APPCONFIG_ENDPOINT": self.emulator.url})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout or done.stderr

    def test_counts(self):
        self.assertEqual(self.ctl("calls"), "no calls\n")
        self.get(RUN)
        self.get("/applications")
        self.get(RUN)
        self.assertEqual(self.ctl("calls"), "GetExperimentRun 2\nListApplications 1\n")
        self.assertEqual(self.ctl("calls", "--paths"), f"{RUN}\n/applications\n{RUN}\n")
        self.assertEqual(self.ctl("calls", "--paths", "--sort"), f"/applications\n{RUN}\n{RUN}\n")
        self.assertEqual(self.ctl("peak"), "1\n")
        self.assertEqual(self.ctl("connections"), "3\n")
        self.assertEqual(self.ctl("connections", "--used"), "3\n")
        self.assertEqual(len(self.ctl("log").splitlines()), 3)
        self.ctl("clear")
        self.assertEqual(self.ctl("calls", "--paths"), "no calls\n")

    def test_faults(self):
        self.ctl("fault", "status", "--status", "410", "--code", "Gone", "--message", "m", "--times", "1",
                 "--header", "X-Test: a:b")
        self.ctl("fault", "throttle", "--operation", "GetExperimentRun")
        self.assertEqual(self.refused(RUN, 410, "Gone", "m").headers["X-Test"], "a:b")
        self.refused(RUN, 429, "ThrottlingException")
        self.ctl("nofaults")
        self.assertEqual(self.get(RUN).status, 200)
        self.ctl("fault", "change", "--times", "1", "--mutation", '{"action": "rename_application", "application":'
                 ' "shop4x1", "name": "shop"}')
        self.assertEqual([self.get("/applications/shop4x1").json["Name"] for _ in range(3)],
                         ["storefront", "shop", "shop"])
        self.assertEqual(self.ctl("fault", "nonsense", status=1),
                         "ctl.py: ValueError: no fault of kind 'nonsense' with []\n")

    def test_changes(self):
        self.ctl("put-run", "empty00", "nothing", "1", "{}", status=1)
        self.ctl("put-run", "339ohji", "bsxyd7k", "2", '{"Run":2}')
        self.assertEqual(self.get(RUN[:-1] + "2").body, b'{"Run":2}')
        self.ctl("put-definition", "339ohji", "bsxyd7k", '{"Id":"bsxyd7k"}')
        self.ctl("mutate", "rename_application", "application=rwalwu7", "name=new name")
        self.assertEqual(self.get("/applications/rwalwu7").json["Name"], "new name")


class Processes(unittest.TestCase):
    def test_ends_with_its_parent(self):
        parent = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        with RunningEmulator("--parent-pid", str(parent.pid)) as emulator:
            parent.communicate()
            self.assertEqual(emulator.process.wait(timeout=10), 0)

    def test_ends_on_sigterm_quietly(self):
        with RunningEmulator() as emulator:
            emulator.control("POST", "faults", [{"kind": "hang"}])
            connection = emulator.connect()
            connection.request("GET", RUN, headers=emulator.headers(RUN))
            emulator.process.terminate()
            self.assertEqual(emulator.process.wait(timeout=10), 0)
            connection.close()

    def test_log_file_and_data_file(self):
        with tempfile.TemporaryDirectory() as directory:
            data, log = Path(directory, "data.json"), Path(directory, "log")
            with open(data, "w", encoding="utf-8") as file:
                subprocess.run([sys.executable, HERE / "emulator.py", "--dump"], stdout=file, check=True)
            with RunningEmulator("--data-file", data, "--log", log) as emulator:
                self.assertEqual(emulator.get(RUN).json["Run"], 1)
                lines = log.read_text().splitlines()
                self.assertEqual([json.loads(line) for line in lines], emulator.control("GET", "log"))

    @unittest.skipUnless(shutil.which("openssl"), "needs the openssl command")
    def test_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            certificate, key = Path(directory, "cert.pem"), Path(directory, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                           check=True, capture_output=True)
            with RunningEmulator("--tls-cert", certificate, "--tls-key", key) as emulator:
                self.assertTrue(emulator.url.startswith("https://127.0.0.1:"))
                trusting = ssl.create_default_context(cafile=certificate)
                connection = http.client.HTTPSConnection(emulator.host, context=trusting, timeout=10)
                self.assertEqual(emulator.get(RUN, connection=connection).json["Run"], 1)
                connection.close()
                done = subprocess.run([sys.executable, HERE / "ctl.py", "calls"], capture_output=True, text=True,
                                      env={**os.environ, "APPCONFIG_ENDPOINT": emulator.url})
                self.assertEqual(done.stdout, "GetExperimentRun 1\n")


class Operations(unittest.TestCase):
    def test_paths(self):
        self.assertEqual(OPERATIONS[-1].path, "/applications/{ApplicationIdentifier}/experimentdefinitions/"
                         "{ExperimentDefinitionIdentifier}/experimentruns/{Run}/events")


if __name__ == "__main__":
    unittest.main()
