"""The endpoints that hand out credentials: STS, a container's agent, an EC2 instance's metadata service.

They share the emulator's port with AppConfig:

    POST /                          STS, with the form parameter Action
    GET  /container/credentials/…   as ECS and EKS Pod Identity serve them
    PUT  /latest/api/token, GET /latest/meta-data/iam/security-credentials/[ROLE]
                                    version 2 of the metadata service; version 1 is refused, and counted

What is handed out joins the identities of signature.py: it signs calls of AppConfig and of STS until it
expires by the emulator's clock.  Keys, secrets and tokens depend on nothing but how many there were before.
Tests change lifetimes, roles and the like through Actions, which control.py offers as changes of the data.
"""

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from urllib.parse import parse_qsl

from dataset import ACCOUNT
from httpd import Response
from service import ApiError, Length, Parameter, Whole, encode, normalized_segments
from signature import IDENTITIES, Identity

STS = "sts"
VERSION = "2011-06-15"
_NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
DEFAULT_LIFETIME = 3600
CONTAINER_ROLE = "TaskRole"
INSTANCE_ROLE = "InstanceRole"
INSTANCE = "i-0a1b2c3d4e5f60718"
_TTL = Whole(1, 21600)
NEVER = datetime.min.replace(tzinfo=timezone.utc)


class Role(NamedTuple):
    """Who may assume a role, and what its sessions may do."""

    trusted: str | None = ".*"          # pattern for the caller's ARN; None: nobody that signs
    external_id: str | None = None      # that has to be given
    web_identity: bool = False          # by AssumeRoleWithWebIdentity instead
    longest: int = DEFAULT_LIFETIME     # seconds that a session may last
    denied: bool = False                # AppConfig refuses its sessions


#: The account's roles by name.
ROLES = {
    "ReportReader": Role(longest=43200),
    "PartnerReader": Role(external_id="example:external/id"),
    "Forbidden": Role(trusted=None),
    "RoleA": Role(),
    "RoleB": Role(trusted=r"arn:aws:sts::\d+:assumed-role/RoleA/.*"),
    "PodReader": Role(trusted=None, web_identity=True),
    "NoPermissions": Role(denied=True),
}

# the pattern is the model's, whose notation for characters is another than Python's
_ROLE_ARN = Parameter("RoleArn", "RoleArn", Length(
    20, 2048, r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+"))
_SESSION_NAME = Parameter("RoleSessionName", "RoleSessionName", Length(2, 64, r"[\w+=,.@-]*"))
_DURATION = Parameter("DurationSeconds", "DurationSeconds", Whole(900, 43200))

#: The parameters that are read, by operation; the others of STS are ignored.
PARAMETERS = {
    "AssumeRole": (_ROLE_ARN, _SESSION_NAME, _DURATION,
                   Parameter("ExternalId", "ExternalId", Length(2, 1224, r"[\w+=,.@:\/-]*"))),
    "AssumeRoleWithWebIdentity": (_ROLE_ARN, _SESSION_NAME, _DURATION,
                                  Parameter("WebIdentityToken", "WebIdentityToken", Length(4, 20000))),
    "GetCallerIdentity": (),
}
OPTIONAL = ("DurationSeconds", "ExternalId")

#: Operations whose credentials have a lifetime of their own.
ISSUING = ("AssumeRole", "AssumeRoleWithWebIdentity", "ContainerCredentials", "MetadataCredentials")

#: What STS calls the errors of AppConfig's front end: code and status.
_STS_ERRORS = {
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "ExpiredTokenException": ("ExpiredToken", 403),
    "ThrottlingException": ("Throttling", 400),
    "InternalServerException": ("InternalFailure", 500),
    "ServiceUnavailableException": ("ServiceUnavailable", 503),
}


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def e_notation(moment):
    """Epoch seconds as STS writes them in JSON: 1514869445 is 1.514869445E9."""
    digits = str(int(moment.timestamp()))
    return f"{digits[0]}.{digits[1:].rstrip('0') or '0'}E{len(digits) - 1}"


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def _bytes(what, number, size):
    """So many bytes that look random but are the same every time."""
    blocks = (hashlib.sha256(f"{what} {number} {block}".encode()).digest() for block in range(size // 32 + 1))
    return b"".join(blocks)[:size]


class Issued(NamedTuple):
    """Credentials that were handed out."""

    key_id: str
    identity: Identity


class Issuer:
    """Makes credentials, which are identities from then on."""

    def __init__(self, identities, now):
        self._identities = identities
        self._count = 0
        self.now = now
        #: Seconds by operation, where a test has said so.
        self.lifetimes = {}

    def issue(self, operation, role, session, seconds=DEFAULT_LIFETIME, denied=False):
        """Credentials for a session of a role."""
        self._count += 1
        seconds = self.lifetimes.get(operation, seconds)
        secret = base64.b64encode(_bytes("secret", self._count, 30)).decode()
        token = "IQoJb3JpZ2luX2Vj" + base64.b64encode(_bytes("token", self._count, 738)).decode()
        identity = Identity(secret, role, token, denied=denied,
                            session=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
                            expires=self.now().replace(microsecond=0) + timedelta(seconds=seconds))
        issued = Issued(f"ASIAEMULATED{self._count:08d}", identity)
        self._identities[issued.key_id] = identity
        return issued

    def expire(self):
        """Ends all that was handed out."""
        for key_id, identity in self._identities.items():
            if identity.session is not None:
                self._identities[key_id] = identity._replace(expires=self.now() - timedelta(seconds=1))

    def is_current(self, issued):
        return self._identities[issued.key_id].expires > self.now()


class Shelf:
    """The credentials that an endpoint hands out until they expire, and then others."""

    def __init__(self, issuer, operation):
        self._issuer = issuer
        self._operation = operation
        self.issued = None

    def take(self, role, session):
        if self.issued is None or not self._issuer.is_current(self.issued):
            self.issued = self._issuer.issue(self._operation, role, session)
        return self.issued


# ---------------------------------------------------------------------------------------------------
# Requests, and their answers' form
# ---------------------------------------------------------------------------------------------------

class StsCall:
    """A form that was posted to STS; answers are XML, or JSON for those who ask for it."""

    def __init__(self, request):
        self.request = request
        self.form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        action = self.form.get("Action", "")
        self.name = action if action in PARAMETERS and self.form.get("Version") == VERSION else "Unknown"
        self.request_id = ""
        self._json = "application/json" in (request.header("accept") or "")

    @staticmethod
    def own_error(code, status):
        """STS's own code and status for an error that AppConfig has as well."""
        return _STS_ERRORS.get(code.rstrip(":"), (code, status))

    def answer(self, result):
        """A successful answer; an Expiration in it is a datetime."""
        document = {f"{self.name}Response": {f"{self.name}Result": result,
                                             "ResponseMetadata": {"RequestId": self.request_id}}}
        return self._response(200, document)

    def refusal(self, status, code, message):
        error = {"Type": "Sender" if status < 500 else "Receiver", "Code": code, "Message": message}
        document = {"Error": error, "RequestId": self.request_id}
        return self._response(status, document if self._json else {"ErrorResponse": document})

    def _response(self, status, document):
        if self._json:
            return Response(status, _json_with_numbers(document), [("Content-Type", "application/json")])
        (root, content), = document.items()
        text = f'<{root} xmlns="{_NAMESPACE}">\n{_xml(content, 1)}</{root}>\n'
        return Response(status, text.encode(errors="xmlcharrefreplace"), [("Content-Type", "text/xml")])


def _json_with_numbers(document):
    """JSON in which every datetime is a number in E notation."""
    numbers = []

    def hold(value):
        numbers.append(e_notation(value))
        return "\0"

    text = json.dumps(document, default=hold, ensure_ascii=False, separators=(",", ":"))
    return re.sub(r'"\\u0000"', lambda _: numbers.pop(0), text).encode(errors="backslashreplace")


def _xml(content, depth):
    lines = []
    for name, value in content.items():
        indent = "  " * depth
        if isinstance(value, dict):
            lines.append(f"{indent}<{name}>\n{_xml(value, depth + 1)}{indent}</{name}>\n")
        else:
            text = iso(value) if isinstance(value, datetime) else str(value)
            for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
                text = text.replace(plain, entity)
            lines.append(f"{indent}<{name}>{text}</{name}>\n")
    return "".join(lines)


class ContainerCall:
    """A request to the agent of a container; all is JSON."""

    name = "ContainerCredentials"

    def __init__(self, request):
        self.request = request
        self.request_id = ""

    @staticmethod
    def own_error(code, status):
        return code, status

    @staticmethod
    def refusal(status, code, message):
        return Response(status, encode({"code": code, "message": message}), [("Content-Type", "application/json")])


class MetadataCall:
    """A request to the metadata service, which answers with text, and with HTML in case of an error."""

    _CREDENTIALS = ("latest", "meta-data", "iam", "security-credentials")

    def __init__(self, request):
        self.request = request
        self.request_id = ""
        segments = tuple(normalized_segments(request.path))
        self.role = None
        if segments == ("latest", "api", "token"):
            self.name = "MetadataToken"
        elif segments == self._CREDENTIALS:
            self.name = "MetadataRole"
        elif segments[:-1] == self._CREDENTIALS:
            self.name = "MetadataCredentials"
            self.role = segments[-1]
        else:
            self.name = "Unknown"

    @staticmethod
    def own_error(code, status):
        return code, status

    @staticmethod
    def refusal(status, code, message):
        text = f"<html><head><title>{status} - {code}</title></head><body><h1>{message}</h1></body></html>\n"
        return Response(status, text.encode(errors="xmlcharrefreplace"), [("Content-Type", "text/html")])


CALLS = (StsCall, ContainerCall, MetadataCall)


def route(request):
    """The call that a request is to one of the endpoints, None if it is to AppConfig."""
    if request.path.startswith("/container/credentials/"):
        return ContainerCall(request)
    if request.path.startswith("/latest/"):
        return MetadataCall(request)
    if request.method == "POST" and not normalized_segments(request.path):
        return StsCall(request)
    return None


# ---------------------------------------------------------------------------------------------------
# The endpoints
# ---------------------------------------------------------------------------------------------------

def _validated(call):
    """The parameters of a call to STS as values, checked against their constraints."""
    values = {}
    for parameter in PARAMETERS[call.name]:
        text = call.form.get(parameter.wire)
        if text is None:
            if parameter.wire in OPTIONAL:
                continue
            raise ApiError(400, "ValidationError", "1 validation error detected: Value null at "
                           f"'{parameter.wire[0].lower()}{parameter.wire[1:]}' failed to satisfy constraint: "
                           "Member must not be null")
        try:
            values[parameter.wire] = parameter.parse(text)
        except ApiError as problem:
            raise ApiError(400, "ValidationError", problem.message) from None
        pattern = getattr(parameter.constraint, "pattern", None)
        if pattern and not re.fullmatch(pattern, text, re.ASCII):
            raise ApiError(400, "ValidationError", f"1 validation error detected: Value '{text}' at "
                           f"'{parameter.wire[0].lower()}{parameter.wire[1:]}' failed to satisfy constraint: "
                           f"Member must satisfy regular expression pattern: {pattern}")
    return values


class Sts:
    """The operations; `verifier` is None where signatures are not checked."""

    def __init__(self, verifier, issuer):
        self._verifier = verifier
        self._issuer = issuer
        self.roles = dict(ROLES)
        self.web_identity_token = None

    def answer(self, call, outcome):
        if call.name == "Unknown":
            raise ApiError(400, "InvalidAction", f"Could not find operation {call.form.get('Action')} for version "
                           f"{call.form.get('Version')}")
        if call.name == "AssumeRoleWithWebIdentity":
            return call.answer(self._assume_with_web_identity(_validated(call)))
        caller = self._caller(call.request, outcome)
        if call.name == "GetCallerIdentity":
            return call.answer({"Arn": caller.arn, "UserId": _user_id(caller), "Account": ACCOUNT})
        return call.answer(self._assume(_validated(call), caller))

    def _caller(self, request, outcome):
        if self._verifier is None:
            return IDENTITIES["AKIDEXAMPLE"]
        try:
            outcome["key"], identity, _ = self._verifier.verify(request, STS)
        except ApiError as problem:
            code, status = StsCall.own_error(problem.code, problem.status)
            raise ApiError(status, code, problem.message) from None
        return identity

    def _role(self, arn):
        """A role and its name, of a role that may not exist the name alone."""
        match = re.fullmatch(r"arn:[\w-]+:iam::(\d{12}):role/(?:[!-~]*/)?([\w+=,.@-]+)", arn)
        if match is None:
            raise ApiError(400, "ValidationError", f"{arn} is invalid")
        account, name = match.groups()
        return self.roles.get(name) if account == ACCOUNT else None, name

    def _assume(self, values, caller):
        role, name = self._role(values["RoleArn"])
        if (role is None or role.trusted is None or caller.denied or not re.fullmatch(role.trusted, caller.arn)
                or role.external_id not in (None, values.get("ExternalId"))):
            raise ApiError(403, "AccessDenied", f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on "
                           f"resource: {values['RoleArn']}")
        if caller.session is not None and values.get("DurationSeconds", 0) > DEFAULT_LIFETIME:
            raise ApiError(400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for "
                           "roles assumed by role chaining")
        return self._session("AssumeRole", role, name, values)

    def _assume_with_web_identity(self, values):
        self._check_web_identity(values["WebIdentityToken"])
        role, name = self._role(values["RoleArn"])
        if role is None or not role.web_identity:
            raise ApiError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return {"Audience": "sts.amazonaws.com", "Provider": "https://oidc.example.com/id/1",
                "SubjectFromWebIdentityToken": "system:serviceaccount:default:reports",
                **self._session("AssumeRoleWithWebIdentity", role, name, values)}

    def _check_web_identity(self, token):
        """A JSON web token is taken unless it has expired or, if one was chosen by a test, it is another."""
        try:
            claims = json.loads(base64.urlsafe_b64decode(re.fullmatch(r"[\w-]+\.([\w-]+)\.[\w-]+", token)[1] + "=="))
        except (ValueError, TypeError):
            raise ApiError(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this "
                           "error if you sent an Access Token)") from None
        if self.web_identity_token not in (None, token):
            raise ApiError(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity "
                           "provider, please reference AssumeRoleWithWebIdentity documentation for requirements")
        now = int(self._issuer.now().timestamp())
        if claims.get("exp", now + 1) <= now:
            raise ApiError(400, "ExpiredTokenException", f"Token expired: current date/time {now} must be before the "
                           f"expiration date/time {claims['exp']}")

    def _session(self, operation, role, name, values):
        seconds = values.get("DurationSeconds", DEFAULT_LIFETIME)
        if seconds > role.longest:
            raise ApiError(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set "
                           "for this role.")
        key_id, identity = self._issuer.issue(operation, name, values["RoleSessionName"], seconds, role.denied)
        return {"AssumedRoleUser": {"AssumedRoleId": _user_id(identity), "Arn": identity.arn},
                "Credentials": {"AccessKeyId": key_id, "SecretAccessKey": identity.secret,
                                "SessionToken": identity.token, "Expiration": identity.expires}}


def _user_id(identity):
    """The unique id of a user, or of a role with the session's name."""
    digits = base64.b32encode(_bytes("id", identity.user, 10)).decode()
    return f"AIDA{digits}" if identity.session is None else f"AROA{digits}:{identity.session.rpartition('/')[2]}"


class Container:
    def __init__(self, issuer):
        self.shelf = Shelf(issuer, "ContainerCredentials")
        self.authorization = None

    def answer(self, call, outcome):
        if call.request.method != "GET":
            raise ApiError(405, "MethodNotAllowed", "only GET is")
        if self.authorization is not None and call.request.header("authorization") != self.authorization:
            raise ApiError(401, "Unauthorized", "Invalid Authorization token provided")
        key_id, identity = self.shelf.take(CONTAINER_ROLE, "0123456789abcdef0123456789abcdef")
        document = {"RoleArn": role_arn(CONTAINER_ROLE), "AccessKeyId": key_id, "SecretAccessKey": identity.secret,
                    "Token": identity.token, "Expiration": iso(identity.expires), "AccountId": ACCOUNT}
        return Response(200, encode(document), [("Content-Type", "application/json")])


class Metadata:
    def __init__(self, issuer):
        self._now = issuer.now
        self._tokens = {}
        self._count = 0
        self.shelf = Shelf(issuer, "MetadataCredentials")
        self.enabled = True
        self.role = INSTANCE_ROLE

    def forget_tokens(self):
        self._tokens.clear()

    def answer(self, call, outcome):
        token = call.request.header("x-aws-ec2-metadata-token")
        outcome["without_token"] = call.name != "MetadataToken" and token is None
        if not self.enabled or call.request.header("x-forwarded-for") is not None:
            raise ApiError(403, "Forbidden", "403 - Forbidden")
        if call.name == "MetadataToken":
            return self._token(call.request)
        if self._tokens.get(token, NEVER) <= self._now():
            raise ApiError(401, "Unauthorized", "401 - Unauthorized")
        if call.request.method != "GET":
            raise ApiError(405, "Method Not Allowed", "405 - Method Not Allowed")
        if call.name == "MetadataRole" and self.role is not None:
            return Response(200, self.role.encode(), [("Content-Type", "text/plain")])
        if call.name == "MetadataCredentials" and call.role == self.role:
            return Response(200, self._credentials(), [("Content-Type", "text/plain")])
        raise ApiError(404, "Not Found", "404 - Not Found")

    def _token(self, request):
        if request.method != "PUT":
            raise ApiError(405, "Method Not Allowed", "405 - Method Not Allowed")
        try:
            seconds = _TTL.parse(request.header("x-aws-ec2-metadata-token-ttl-seconds") or "")
        except ValueError:
            raise ApiError(400, "Bad Request", "400 - Bad Request") from None
        self._count += 1
        token = base64.urlsafe_b64encode(_bytes("metadata token", self._count, 40)).decode()
        self._tokens[token] = self._now() + timedelta(seconds=seconds)
        return Response(200, token.encode(), [("Content-Type", "text/plain"),
                                              ("x-aws-ec2-metadata-token-ttl-seconds", str(seconds))])

    def _credentials(self):
        key_id, identity = self.shelf.take(self.role, INSTANCE)
        document = {"Code": "Success", "LastUpdated": iso(self._now()), "Type": "AWS-HMAC", "AccessKeyId": key_id,
                    "SecretAccessKey": identity.secret, "Token": identity.token, "Expiration": iso(identity.expires)}
        return json.dumps(document, indent=2, separators=(",", " : ")).encode()


class Credentials:
    """All endpoints, and the actions of tests on them."""

    def __init__(self, verifier, identities, now):
        issuer = Issuer(identities, now)
        container, metadata, sts = Container(issuer), Metadata(issuer), Sts(verifier, issuer)
        self._endpoints = {StsCall: sts, ContainerCall: container, MetadataCall: metadata}
        self.actions = Actions(issuer, sts, container, metadata)

    def answer(self, call):
        """The right answer, and what the log says about it."""
        outcome = {"key": None}
        try:
            response = self._endpoints[type(call)].answer(call, outcome)
        except ApiError as problem:
            response = call.refusal(problem.status, problem.code, problem.message)
        return response, outcome


class Actions:
    """What tests change: each public method is an action, its arguments are the action's."""

    def __init__(self, issuer, sts, container, metadata):
        self._issuer = issuer
        self._sts = sts
        self._container = container
        self._metadata = metadata

    def set_lifetime(self, operation, seconds=None):
        """Seconds that credentials of an operation live from now on, 0 or less: they come expired; None: as asked."""
        if operation not in ISSUING:
            raise ValueError(f"{operation} has no lifetime, but {', '.join(ISSUING)}")
        self._issuer.lifetimes.pop(operation, None)
        if seconds is not None:
            self._issuer.lifetimes[operation] = seconds
        self.rotate()

    def expire_sessions(self):
        """Expires all credentials that were handed out; containers and instances get others when they ask."""
        self._issuer.expire()

    def rotate(self):
        """Containers and instances get other credentials when they ask; those that they have stay good."""
        self._container.shelf.issued = None
        self._metadata.shelf.issued = None

    def put_role(self, name, **properties):
        """Adds or replaces a role, with the properties of Role; without any, everybody may assume it."""
        self._sts.roles[name] = Role(**properties)

    def set_web_identity_token(self, token=None):
        """The only token that is taken from now on; None: every one that looks right."""
        self._sts.web_identity_token = token

    def set_container_authorization(self, value=None):
        """The Authorization that a container's requests need; None: none."""
        self._container.authorization = value

    def set_metadata_enabled(self, enabled):
        """Turns the metadata service off or on again; off, it answers 403."""
        self._metadata.enabled = enabled

    def set_instance_role(self, name=None):
        """The role of the instance from now on, with credentials of its own; None: it has none."""
        self._metadata.role = name
        self._metadata.shelf.issued = None

    def forget_metadata_tokens(self):
        """All tokens of the metadata service become unknown."""
        self._metadata.forget_tokens()
