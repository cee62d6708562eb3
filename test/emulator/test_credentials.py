#!/usr/bin/python3
"""Tests of the emulator's endpoints for credentials: by hand, and with botocore's own clients of them.

Run this file, or `python3 -m unittest` beside it.
"""

import base64
import http.client
import json
import os
import subprocess
import sys
import time
import unittest
import warnings
from datetime import datetime, timedelta, timezone

from botocore.config import Config
from botocore.credentials import ContainerProvider, InstanceMetadataProvider
from botocore.exceptions import ClientError
from botocore.session import Session
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

import credentials
from credentials import e_notation
from dataset import ACCOUNT
from faults import DELIVERIES, KINDS
from harness import EXAMPLE_KEY, HERE, Served

RUN = "/applications/339ohji/experimentdefinitions/bsxyd7k/experimentruns/1"
READER = f"arn:aws:iam::{ACCOUNT}:role/ReportReader"
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def web_token(**claims):
    parts = ({"alg": "RS256"}, {"sub": "x", **claims})
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.c2ln"


class WithCredentials(Served):
    arguments = ("--data", "demo")

    def setUp(self):
        super().setUp()
        self.emulator.mutate("set_clock", seconds=0)
        for operation in credentials.ISSUING:
            self.emulator.mutate("set_lifetime", operation=operation)

    def sts(self, action, **options):
        return self.emulator.sts(action, **options)

    def assume(self, name="ReportReader", session="nightly", **options):
        """The credentials of a role's session as a key to sign with."""
        answer = self.sts("AssumeRole", RoleArn=role(name), RoleSessionName=session, **options)
        self.assertEqual(answer.status, 200, answer.body)
        found = answer.json["AssumeRoleResponse"]["AssumeRoleResult"]["Credentials"]
        return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]

    def sts_refused(self, action, status, code, message=".*", **options):
        answer = self.sts(action, **options)
        self.assertEqual((answer.status, answer.json["Error"]["Code"]), (status, code), answer.body)
        self.assertRegex(answer.json["Error"]["Message"], message)
        return answer

    def assume_refused(self, name, status, code, message=".*", **options):
        return self.sts_refused("AssumeRole", status, code, message,
                                **{"RoleArn": role(name), "RoleSessionName": "nightly", **options})

    def who(self, key):
        return self.sts("GetCallerIdentity", key=key).json["GetCallerIdentityResponse"]["GetCallerIdentityResult"]["Arn"]

    def container(self, **headers):
        return self.emulator.request("GET", "/container/credentials/task", headers)

    def token(self, ttl="21600", **headers):
        return self.emulator.request("PUT", "/latest/api/token",
                                     {"x-aws-ec2-metadata-token-ttl-seconds": ttl, **headers})

    def metadata(self, path, token=None):
        token = token or self.token().body.decode()
        return self.emulator.request("GET", path, {"x-aws-ec2-metadata-token": token})

    def instance(self):
        return self.metadata(ROLE_PATH + self.metadata(ROLE_PATH).body.decode()).json


class AssumingRoles(WithCredentials):
    def test_json(self):
        before = int(time.time())
        answer = self.sts("AssumeRole", RoleArn=READER, RoleSessionName="nightly")
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        document = answer.json["AssumeRoleResponse"]
        result = document["AssumeRoleResult"]
        self.assertEqual(document["ResponseMetadata"], {"RequestId": answer.headers["x-amzn-RequestId"]})
        self.assertEqual(result["AssumedRoleUser"]["Arn"],
                         f"arn:aws:sts::{ACCOUNT}:assumed-role/ReportReader/nightly")
        self.assertRegex(answer.body, rb'"Expiration":1\.\d+E9\}')
        self.assertIn(result["Credentials"]["Expiration"] - 3600 - before, range(60))
        self.assertGreater(len(result["Credentials"]["SessionToken"]), 900)

    def test_numbers(self):
        def text(seconds):
            return e_notation(datetime.fromtimestamp(seconds, timezone.utc))

        self.assertEqual([text(seconds) for seconds in (1514869445, 1500000000, 2000000000, 1767225600)],
                         ["1.514869445E9", "1.5E9", "2.0E9", "1.7672256E9"])

    def test_xml(self):
        answer = self.sts("AssumeRole", accept="*/*", RoleArn=READER, RoleSessionName="nightly")
        self.assertEqual(answer.headers["Content-Type"], "text/xml")
        self.assertRegex(answer.body, rb'^<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n')
        self.assertRegex(answer.body, rb"<Expiration>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ</Expiration>")
        answer = self.sts("AssumeRole", accept="text/xml", RoleArn=role("A&<B>"), RoleSessionName="nightly")
        self.assertEqual(answer.status, 400)
        self.assertRegex(answer.body, rb"^<ErrorResponse xmlns=(?s:.*)<Type>Sender</Type>\n    <Code>ValidationError</Code>"
                         rb"\n    <Message>\S*A&amp;&lt;B&gt; is invalid")

    def test_sessions_sign(self):
        key = self.assume()
        self.assertEqual(self.get(RUN, key=key).status, 200)
        self.assertEqual(self.who(key), f"arn:aws:sts::{ACCOUNT}:assumed-role/ReportReader/nightly")
        self.assertEqual(self.who(EXAMPLE_KEY), f"arn:aws:iam::{ACCOUNT}:user/example")
        self.assertEqual([entry["key"] for entry in self.log()], ["AKIDEXAMPLE", key[0], key[0], "AKIDEXAMPLE"])
        self.assertNotEqual(self.assume()[0], key[0])
        self.refused(RUN, 403, "UnrecognizedClientException", key=(*key[:2], "x"))
        self.refused(RUN, 403, "InvalidSignatureException", key=(key[0], "x", key[2]))

    def test_roles(self):
        self.assume("PartnerReader", ExternalId="example:external/id")
        for name, options in (("Forbidden", {}), ("Unknown", {}), ("PodReader", {}), ("PartnerReader", {}), ("RoleB", {}),
                              ("PartnerReader", {"ExternalId": "other"}),
                              ("ReportReader", {"key": ("AKIDDENIED", "denied-secret")})):
            self.assume_refused(name, 403, "AccessDenied", r"^User: arn:aws:iam::\d+:user/\w+ is not authorized to "
                                f"perform: sts:AssumeRole on resource: {role(name)}$", **options)
        self.assume_refused("x", 403, "AccessDenied", RoleArn="arn:aws:iam::999999999999:role/ReportReader")
        self.emulator.mutate("put_role", name="New", trusted=".*user/other")
        self.assume_refused("New", 403, "AccessDenied")
        self.assume("New", key=("AKIDOTHER", "other-secret"))

    def test_chain(self):
        first = self.assume("RoleA")
        second = self.assume("RoleB", key=first, DurationSeconds=3600)
        self.assertEqual(self.who(second), f"arn:aws:sts::{ACCOUNT}:assumed-role/RoleB/nightly")
        self.assume_refused("RoleB", 403, "AccessDenied", key=second)
        self.assume_refused("RoleB", 400, "ValidationError", "role chaining", key=first, DurationSeconds=3601)

    def test_sessions_that_appconfig_denies(self):
        self.refused(RUN, 403, "AccessDeniedException",
                     f"^User: arn:aws:sts::{ACCOUNT}:assumed-role/NoPermissions/nightly is not authorized",
                     key=self.assume("NoPermissions"))

    def test_constraints(self):
        for options in ({"RoleArn": "arn:aws:iam::1:role"}, {"RoleArn": "x" * 2049}, {"RoleArn": "arn:aws:s3:::bucket/name"},
                        {"RoleSessionName": "x"}, {"RoleSessionName": "x" * 65}, {"RoleSessionName": "a b"},
                        {"RoleSessionName": "münchen"}, {"ExternalId": "x"}, {"ExternalId": "x" * 1225},
                        {"ExternalId": "a b"}, {"DurationSeconds": 899}, {"DurationSeconds": 43201},
                        {"DurationSeconds": "1h"}):
            self.assume_refused("ReportReader", 400, "ValidationError", **options)
        self.sts_refused("AssumeRole", 400, "ValidationError", "at 'roleSessionName' .* must not be null", RoleArn=READER)
        self.assume_refused("RoleA", 400, "ValidationError", "MaxSessionDuration", DurationSeconds=3601)
        self.assume(session="a=b,c@d.e-f_g+h", DurationSeconds=43200, ExternalId="ignored")

    def test_unknown_operations(self):
        self.sts_refused("GetSessionToken", 400, "InvalidAction", "^Could not find operation GetSessionToken")
        self.sts_refused("AssumeRole", 400, "InvalidAction", Version="2010-01-01")
        self.assertEqual(self.stats()["operations"], {"Unknown": 2})

    def test_signatures(self):
        for options, status, code in (
                ({"key": None}, 403, "MissingAuthenticationToken"),
                ({"key": ("AKIDNOBODY", "x")}, 403, "InvalidClientTokenId"),
                ({"key": (EXAMPLE_KEY[0], "x")}, 403, "SignatureDoesNotMatch"),
                ({"service": "appconfig"}, 403, "SignatureDoesNotMatch"),
                ({"region": "eu-west-1"}, 403, "SignatureDoesNotMatch"),
                ({"key": ("ASIAEXPIRED", "expired-secret", "expired-token")}, 403, "ExpiredToken")):
            self.assume_refused("ReportReader", status, code, **options)
        self.refused(RUN, 403, "InvalidSignatureException", "correct service: 'appconfig'", service="sts")
        self.emulator.mutate("set_clock", seconds=3600)
        self.assume_refused("ReportReader", 403, "SignatureDoesNotMatch", "^Signature expired")


class WebIdentity(WithCredentials):
    def web(self, token, name="PodReader", **options):
        return self.sts("AssumeRoleWithWebIdentity", key=None, RoleArn=role(name), RoleSessionName="pod",
                        WebIdentityToken=token, **options)

    def code(self, token, **options):
        answer = self.web(token, **options)
        return answer.status, answer.json["Error"]["Code"]

    def test_unsigned(self):
        result = self.web(web_token()).json["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]
        found = result["Credentials"]
        key = found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]
        self.assertEqual(self.get(RUN, key=key).status, 200)
        self.assertEqual(self.who(key), f"arn:aws:sts::{ACCOUNT}:assumed-role/PodReader/pod")

    def test_refusals(self):
        self.assertEqual(self.code(web_token(), name="ReportReader"), (403, "AccessDenied"))
        self.assertEqual(self.code(web_token(), name="Unknown"), (403, "AccessDenied"))
        self.assertEqual(self.code("sometoken"), (400, "InvalidIdentityToken"))
        self.assertEqual(self.code("a.b.c"), (400, "InvalidIdentityToken"))
        self.assertEqual(self.code("abc"), (400, "ValidationError"))
        self.assertEqual(self.code("x" * 20001), (400, "ValidationError"))
        self.assertEqual(self.code(web_token(exp=int(time.time()) - 1)), (400, "ExpiredTokenException"))
        self.assertEqual(self.web(web_token(exp=int(time.time()) + 3600)).status, 200)

    def test_the_one_token(self):
        self.emulator.mutate("set_web_identity_token", token=web_token(jti="2"))
        self.assertEqual(self.code(web_token(jti="1")), (400, "InvalidIdentityToken"))
        self.assertEqual(self.web(web_token(jti="2")).status, 200)
        self.emulator.mutate("set_web_identity_token")
        self.assertEqual(self.web(web_token(jti="1")).status, 200)

    def test_log(self):
        self.web(web_token(), accept="text/xml")
        entry, = self.log()
        self.assertEqual((entry["operation"], entry["status"], entry["key"]), ("AssumeRoleWithWebIdentity", 200, None))
        self.assertIn("RoleSessionName=pod&WebIdentityToken=REDACTED", entry["body"])
        self.assertNotIn(web_token(), json.dumps(entry))


class Containers(WithCredentials):
    def test_credentials(self):
        answer = self.container()
        self.assertEqual({*answer.json}, {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId"})
        self.assertEqual(answer.json["AccountId"], ACCOUNT)
        self.assertEqual(self.container().json, answer.json)
        key = answer.json["AccessKeyId"], answer.json["SecretAccessKey"], answer.json["Token"]
        self.assertEqual(self.get(RUN, key=key).status, 200)
        self.assertRegex(self.who(key), f"^arn:aws:sts::{ACCOUNT}:assumed-role/TaskRole/")
        self.assertEqual(self.stats()["operations"]["ContainerCredentials"], 2)

    def test_authorization(self):
        self.emulator.mutate("set_container_authorization", value="Bearer of 1")
        self.assertEqual([self.container(**headers).status for headers in
                          ({}, {"Authorization": "x"}, {"Authorization": "Bearer of 1"})], [401, 401, 200])
        self.emulator.mutate("set_container_authorization")
        self.assertEqual(self.container().status, 200)

    def test_other_methods(self):
        self.assertEqual(self.emulator.request("POST", "/container/credentials/task").status, 405)


class InstanceMetadata(WithCredentials):
    def test_credentials(self):
        answer = self.token("60")
        self.assertEqual((answer.status, answer.headers["x-aws-ec2-metadata-token-ttl-seconds"]), (200, "60"))
        document = self.instance()
        self.assertEqual({*document}, {"Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token",
                                       "Expiration"})
        self.assertEqual(self.instance()["Token"], document["Token"])
        key = document["AccessKeyId"], document["SecretAccessKey"], document["Token"]
        self.assertEqual(self.get(RUN, key=key).status, 200)
        self.assertEqual(self.who(key), f"arn:aws:sts::{ACCOUNT}:assumed-role/InstanceRole/i-0a1b2c3d4e5f60718")
        operations = self.stats()["operations"]
        self.assertEqual((operations["MetadataToken"], operations["MetadataRole"], operations["MetadataCredentials"]),
                         (5, 2, 2))
        self.assertEqual(self.stats()["without_token"], 0)

    def test_tokens(self):
        for ttl in ("", "0", "21601", "x"):
            self.assertEqual(self.token(ttl).status, 400)
        self.assertEqual(self.emulator.request("PUT", "/latest/api/token").status, 400)
        self.assertEqual(self.token(**{"X-Forwarded-For": "192.0.2.7"}).status, 403)
        for path in (ROLE_PATH, ROLE_PATH + "InstanceRole", "/latest/meta-data/", "/latest/dynamic"):
            self.assertEqual(self.emulator.request("GET", path).status, 401)
        self.assertEqual(self.stats()["without_token"], 4)
        self.assertEqual(self.metadata(ROLE_PATH, "unknown").status, 401)
        self.assertEqual(self.stats()["without_token"], 4)
        token = self.token("60").body.decode()
        self.emulator.mutate("set_clock", seconds=59)
        self.assertEqual(self.metadata(ROLE_PATH, token).status, 200)
        self.emulator.mutate("set_clock", seconds=61)
        self.assertEqual(self.metadata(ROLE_PATH, token).status, 401)
        self.emulator.mutate("set_clock", seconds=0)
        self.emulator.mutate("forget_metadata_tokens")
        self.assertEqual(self.metadata(ROLE_PATH, token).status, 401)

    def test_paths(self):
        for path in ("/latest/meta-data/iam/security-credentials-extended/", ROLE_PATH + "OtherRole", "/latest/x",
                     "/latest/meta-data/iam/security-credentials-extended/InstanceRole"):
            self.assertEqual(self.metadata(path).status, 404)

    def test_roles(self):
        first = self.instance()["AccessKeyId"]
        self.emulator.mutate("set_instance_role", name="Renamed")
        self.assertEqual(self.metadata(ROLE_PATH + "InstanceRole").status, 404)
        self.assertEqual(self.metadata(ROLE_PATH).body, b"Renamed")
        self.assertNotEqual(self.instance()["AccessKeyId"], first)
        self.emulator.mutate("set_instance_role")
        self.assertEqual(self.metadata(ROLE_PATH).status, 404)
        self.emulator.mutate("set_instance_role", name="InstanceRole")

    def test_turned_off(self):
        self.emulator.mutate("set_metadata_enabled", enabled=False)
        self.assertEqual(self.token().status, 403)
        self.assertEqual(self.emulator.request("GET", ROLE_PATH).status, 403)
        self.assertEqual(self.stats()["without_token"], 1)
        self.emulator.mutate("set_metadata_enabled", enabled=True)
        self.assertEqual(self.token().status, 200)


class Lives(WithCredentials):
    def test_clock(self):
        key = self.assume(DurationSeconds=900)
        document = self.container().json
        for seconds, status in ((840, 200), (901, 403)):
            self.emulator.mutate("set_clock", seconds=seconds)
            self.assertEqual(self.get(RUN, key=key, ahead=seconds).status, status)
        self.assertEqual(self.container().json, document)
        self.emulator.mutate("set_clock", seconds=3601)
        self.assertNotEqual(self.container().json["AccessKeyId"], document["AccessKeyId"])

    def test_lifetimes(self):
        for operation, take in (("ContainerCredentials", lambda: self.container().json),
                                ("MetadataCredentials", self.instance)):
            for seconds in (-60, 0, 7200):
                self.emulator.mutate("set_lifetime", operation=operation, seconds=seconds)
                document = take()
                left = datetime.fromisoformat(document["Expiration"]) - datetime.now(timezone.utc)
                self.assertLess(abs(left - timedelta(seconds=seconds)), timedelta(seconds=60))
                key = document["AccessKeyId"], document["SecretAccessKey"], document["Token"]
                if seconds > 0:
                    self.assertEqual(self.get(RUN, key=key).status, 200)
                else:
                    self.refused(RUN, 403, "ExpiredTokenException", key=key)
        self.emulator.mutate("set_lifetime", operation="AssumeRole", seconds=0)
        self.sts_refused("GetCallerIdentity", 403, "ExpiredToken", key=self.assume(DurationSeconds=7200))
        with self.assertRaises(ValueError):
            self.emulator.mutate("set_lifetime", operation="GetCallerIdentity", seconds=1)

    def test_all_expire(self):
        key = self.assume()
        before = self.container().json["AccessKeyId"], self.instance()["AccessKeyId"]
        self.assertEqual(self.get(RUN, key=key).status, 200)
        self.emulator.mutate("expire_sessions")
        self.refused(RUN, 403, "ExpiredTokenException", key=key)
        self.assume_refused("RoleA", 403, "ExpiredToken", key=key)
        after = self.container().json["AccessKeyId"], self.instance()["AccessKeyId"]
        self.assertFalse({*before} & {*after})
        self.assertEqual(self.get(RUN, key=self.assume()).status, 200)
        self.assertEqual(self.get(RUN).status, 200)

    def test_rotate(self):
        document = self.container().json
        self.emulator.mutate("rotate")
        self.assertNotEqual(self.container().json["AccessKeyId"], document["AccessKeyId"])
        key = document["AccessKeyId"], document["SecretAccessKey"], document["Token"]
        self.assertEqual(self.get(RUN, key=key).status, 200)

    def test_expiry_in_between(self):
        key = self.assume()
        self.emulator.control("POST", "faults", [{"kind": "change", "times": 1, "operation": "GetExperimentRun",
                                                  "mutation": {"action": "expire_sessions"}}])
        self.assertEqual([self.get(RUN, key=key).status for _ in range(2)], [200, 403])

    def test_command_line(self):
        def ctl(*arguments):
            return subprocess.run([sys.executable, HERE / "ctl.py", *arguments], check=True, capture_output=True,
                                  text=True, env={**os.environ, "APPCONFIG_ENDPOINT": self.emulator.url}).stdout

        ctl("mutate", "set_lifetime", "operation=ContainerCredentials", "seconds=-1")
        expiry = datetime.fromisoformat(self.container().json["Expiration"])
        self.assertLess(expiry, datetime.now(timezone.utc))
        ctl("mutate", "set_metadata_enabled", "enabled=false")
        self.assertEqual(self.token().status, 403)
        ctl("mutate", "set_metadata_enabled", "enabled=true")
        self.assertEqual(ctl("without-token"), "0\n")
        self.emulator.request("GET", ROLE_PATH)
        self.assertEqual(ctl("without-token"), "1\n")


class Faults(WithCredentials):
    """All kinds of faults at all endpoints; what is said of each kind is tested with AppConfig."""

    #: Kinds that leave a good answer as it is, or have nothing to do with credentials.
    HARMLESS = {"latency", "date", "encoded", "change", "repeat-token", "empty-page", "duplicate-members",
                "null-members"}

    def endpoints(self):
        """A request to each of the operations, by name."""
        token = self.token().body.decode()
        return {
            "AssumeRole": lambda: self.sts("AssumeRole", RoleArn=READER, RoleSessionName="nightly"),
            "AssumeRoleWithWebIdentity": lambda: self.sts(
                "AssumeRoleWithWebIdentity", key=None, RoleArn=role("PodReader"), RoleSessionName="pod",
                WebIdentityToken=web_token()),
            "GetCallerIdentity": lambda: self.sts("GetCallerIdentity"),
            "ContainerCredentials": self.container,
            "MetadataToken": self.token,
            "MetadataRole": lambda: self.metadata(ROLE_PATH, token),
            "MetadataCredentials": lambda: self.metadata(ROLE_PATH + "InstanceRole", token),
        }

    def test_every_kind_everywhere(self):
        for operation, call in self.endpoints().items():
            right = call()
            self.assertEqual(right.status, 200)
            for kind in sorted(set(KINDS) - set(DELIVERIES)):
                with self.subTest(operation=operation, kind=kind):
                    self.emulator.control("POST", "faults", [{
                        "kind": kind, "operation": operation, "times": 1, "bytes": 10_000, "date": "Tue",
                        **({"mutation": {"action": "rotate"}} if kind == "change" else {})}])
                    answer = call()
                    self.assertEqual(self.log()[-1]["fault"], kind)
                    text_only = right.json is None and kind == "wrong-type"
                    changed = answer.status != 200 or self.shape(answer) != self.shape(right)
                    if kind not in self.HARMLESS and not text_only:
                        self.assertTrue(changed, answer.body)
                    self.assertEqual(call().status, 200)

    def test_deliveries(self):
        for operation, call in self.endpoints().items():
            for kind, expected in (("reset", ConnectionResetError), ("reset-midbody", ConnectionResetError),
                                   ("truncate", http.client.IncompleteRead), ("chunked", None), ("drip", None),
                                   ("chunked-truncate", http.client.IncompleteRead), ("close", None), ("unasked", None)):
                with self.subTest(operation=operation, kind=kind):
                    self.emulator.control("POST", "faults", [{"kind": kind, "operation": operation, "times": 1}])
                    if expected:
                        with self.assertRaises(expected):
                            call()
                    else:
                        self.assertEqual(call().status, 200)
                    self.assertEqual(self.log()[-1]["fault"], kind)

    @staticmethod
    def shape(answer):
        """What a client would read of an answer whose members are new each time."""
        if answer.json is None:
            return len(answer.body)
        if not isinstance(answer.json, dict):
            return type(answer.json).__name__
        return {name: (type(value).__name__, sorted(value) if isinstance(value, dict) else str(value)[:1])
                for found in Faults.inner(answer.json) for name, value in found.items()}

    @staticmethod
    def inner(document):
        yield document
        for value in document.values():
            if isinstance(value, dict):
                yield from Faults.inner(value)

    def test_errors_have_the_form_of_their_service(self):
        for kind, status, code in (("throttle", 400, "Throttling"), ("error500", 500, "InternalFailure"),
                                   ("unavailable503", 503, "ServiceUnavailable"), ("skew", 403, "RequestTimeTooSkewed")):
            self.emulator.control("POST", "faults", [{"kind": kind}])
            self.assume_refused("ReportReader", status, code)
            answer = self.sts("AssumeRole", accept="*/*", RoleArn=READER, RoleSessionName="nightly")
            self.assertIn(f"<Code>{code}</Code>".encode(), answer.body)
        self.emulator.control("POST", "faults", [{"kind": "status", "status": 400, "code": "IDPCommunicationError",
                                                  "message": "m", "operation": "AssumeRole"}])
        self.assume_refused("ReportReader", 400, "IDPCommunicationError", "^m$")
        self.assertEqual(self.sts("GetCallerIdentity").status, 200)
        self.emulator.control("POST", "faults", [{"kind": "throttle"}])
        self.assertEqual(self.container().json, {"code": "ThrottlingException", "message": "Rate exceeded"})
        self.assertEqual(self.token().headers["Content-Type"], "text/html")

    def test_members(self):
        for operation, call in (("AssumeRole", self.endpoints()["AssumeRole"]),
                                ("ContainerCredentials", self.container), ("MetadataCredentials", self.instance)):
            for kind, value in (("wrong-type", "7"), ("null-members", "null"), ("nul-escape", '"\\u0000')):
                self.emulator.control("POST", "faults", [{"kind": kind, "member": "SecretAccessKey",
                                                          "operation": operation}])
                answer = call()
                text = json.dumps(answer if isinstance(answer, dict) else answer.json)
                self.assertIn(f'"SecretAccessKey": {value}', text)
                self.assertRegex(text, '"AccessKeyId": "ASIA')


class Botocore(WithCredentials):
    """AWS's own clients of the endpoints, written by others from the same interfaces."""

    def setUp(self):
        super().setUp()
        # they leave their connections to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)

    def client(self, key=EXAMPLE_KEY):
        return Session().create_client(
            "sts", region_name="us-east-1", endpoint_url=self.emulator.url, aws_access_key_id=key[0],
            aws_secret_access_key=key[1], aws_session_token=(*key, None)[2], config=Config(retries={"max_attempts": 0}))

    def test_sts(self):
        first = self.client().assume_role(RoleArn=role("RoleA"), RoleSessionName="one", DurationSeconds=900)
        left = first["Credentials"]["Expiration"] - datetime.now(timezone.utc)
        self.assertLess(abs(left - timedelta(seconds=900)), timedelta(seconds=60))
        key = tuple(first["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        second = self.client(key).assume_role(RoleArn=role("RoleB"), RoleSessionName="two")
        self.assertEqual(second["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/RoleB/two")
        identity = self.client(key).get_caller_identity()
        self.assertEqual((identity["Arn"], identity["Account"], identity["UserId"]),
                         (first["AssumedRoleUser"]["Arn"], ACCOUNT, first["AssumedRoleUser"]["AssumedRoleId"]))
        pod = self.client().assume_role_with_web_identity(RoleArn=role("PodReader"), RoleSessionName="pod",
                                                          WebIdentityToken=web_token())
        self.assertEqual(pod["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/PodReader/pod")

    def test_errors(self):
        with self.assertRaises(ClientError) as caught:
            self.client().assume_role(RoleArn=role("Forbidden"), RoleSessionName="one")
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDenied")
        client = self.client()
        for token, error in (("sometoken", client.exceptions.InvalidIdentityTokenException),
                             (web_token(exp=1), client.exceptions.ExpiredTokenException)):
            with self.assertRaises(error):
                client.assume_role_with_web_identity(RoleArn=role("PodReader"), RoleSessionName="pod",
                                                     WebIdentityToken=token)

    def test_container(self):
        self.emulator.mutate("set_container_authorization", value="Bearer x")
        provider = ContainerProvider({
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.emulator.url}/container/credentials/task",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer x"}, ContainerMetadataFetcher(sleep=lambda _: None))
        found = provider.load().get_frozen_credentials()
        self.emulator.mutate("set_container_authorization")
        self.assertEqual(found.access_key, self.container().json["AccessKeyId"])
        self.assertEqual(self.get(RUN, key=found[:3]).status, 200)

    def test_instance(self):
        def load():
            fetcher = InstanceMetadataFetcher(base_url=self.emulator.url + "/", num_attempts=1, timeout=10,
                                              config={"ec2_metadata_v1_disabled": True})
            return InstanceMetadataProvider(fetcher).load()

        found = load().get_frozen_credentials()
        self.assertEqual(self.get(RUN, key=found[:3]).status, 200)
        self.assertEqual(self.stats()["without_token"], 0)
        self.emulator.mutate("set_instance_role")
        self.assertIsNone(load())
        self.emulator.mutate("set_instance_role", name="InstanceRole")


if __name__ == "__main__":
    unittest.main()
