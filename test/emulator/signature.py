"""Checks that a request is signed by a known identity, with botocore's own signing code.

The canonical request, the string to sign and the signature are computed by botocore's SigV4Auth from
the request as it came over the wire; nothing of the algorithm is written down a second time here.
What is here: the identities, reading the Authorization header, and the refusals' codes and texts.
"""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from botocore.auth import SIGNED_HEADERS_BLACKLIST, SigV4Auth
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from dataset import ACCOUNT
from service import ApiError

SERVICE = "appconfig"
TOLERANCE = timedelta(minutes=5)
_STAMP = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^,/\s]+)/([0-9]{8})/([^,/\s]+)/([^,/\s]+)/aws4_request *, *"
    r"SignedHeaders=([^,\s]+) *, *Signature=([0-9a-f]{64})")


class Identity(NamedTuple):
    """Who may sign: the secret, the session token that must come along, and how every call of theirs ends."""

    secret: str
    user: str    # or role
    token: str | None = None
    expired: bool = False
    denied: bool = False
    session: str | None = None    # ARN of a role's session
    expires: datetime | None = None

    @property
    def arn(self):
        return self.session or f"arn:aws:iam::{ACCOUNT}:user/{self.user}"


#: Every access key that the emulator knows from the beginning; credentials.py hands out more.
IDENTITIES = {
    "AKIDEXAMPLE": Identity("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "example"),
    "AKIDOTHER": Identity("other-secret", "other"),
    "AKIDDENIED": Identity("denied-secret", "denied", denied=True),
    "ASIATEMPORARY": Identity("temporary-secret", "temporary", token="temporary-token"),
    "ASIAEXPIRED": Identity("expired-secret", "expired", token="expired-token", expired=True),
}

#: Headers that proxies change and that botocore never signs.
_UNSIGNABLE = frozenset(SIGNED_HEADERS_BLACKLIST)


def _refusal(code, message):
    return ApiError(403, code, message, front_end=True)


def missing_token():
    """What an unsigned request gets; httpd sends it as XML, as the real front end does."""
    return _refusal("MissingAuthenticationTokenException", "Missing Authentication Token")


@lru_cache(maxsize=256)
def _signing_key(secret, date, region, service):
    """The derived key, computed by botocore's keyed hash in the order of SigV4Auth.signature."""
    sign = SigV4Auth(Credentials("", secret), service, region)._sign
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = sign(key, part)
    return key


class WireSigner(SigV4Auth):
    """SigV4Auth over a received request: signs exactly the headers that it is given, with a cached key."""

    def headers_to_sign(self, request):
        return request.headers

    def signature(self, string_to_sign, request):
        key = _signing_key(self.credentials.secret_key, request.context["timestamp"][:8], self._region_name,
                           self._service_name)
        return self._sign(key, string_to_sign, hex=True)


class WireRequest:
    """A received request in the form that SigV4Auth reads.

    The query is put into the one canonical encoding, as the service does, so that a client which signs
    some other encoding of its own is refused; the path stays as it came.
    """

    params = None

    def __init__(self, request, signed_headers, timestamp):
        self.method = request.method
        query = "&".join("=".join(quote(unquote(part), safe="-_.~") for part in (pair.partition("=")[::2]))
                         for pair in request.query.split("&") if pair)
        self.url = f"http://emulator{request.path}?{query}"
        self.body = request.body
        self.context = {"timestamp": timestamp}
        self.headers = HTTPHeaders()
        for name, value in request.headers:
            if name in signed_headers:
                self.headers[name] = value


class Verifier:
    """Verifies requests for one region, or for whatever region they name if that is None."""

    def __init__(self, region, clock, identities):
        self.region = region
        self._clock = clock
        self._identities = identities

    def verify(self, request, wanted_service=SERVICE):
        """The key id, the identity and the region of a well-signed request; ApiError otherwise."""
        header = request.header("authorization")
        if header is None:
            raise missing_token()
        match = _AUTHORIZATION.fullmatch(header)
        if match is None:
            raise _refusal("IncompleteSignatureException", f"'{header.split(' ')[0]}' not a valid key=value pair "
                           "(missing equal-sign) in Authorization header")
        key_id, date, region, service, signed, signature = match.groups()
        identity = self._identities.get(key_id)
        if identity is None:
            raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        if service != wanted_service:
            raise _refusal("InvalidSignatureException",
                           f"Credential should be scoped to correct service: '{wanted_service}'. ")
        timestamp = request.header("x-amz-date") or ""
        self._check_scope(timestamp, date, region)
        self._check_time(timestamp)
        signed_headers = signed.split(";")
        self._check_signed_headers(request, signed_headers)

        wire = WireRequest(request, signed_headers, timestamp)
        signer = WireSigner(Credentials(key_id, identity.secret), service, region)
        expected = signer.signature(signer.string_to_sign(wire, signer.canonical_request(wire)), wire)
        if signature != expected:
            raise _refusal("InvalidSignatureException",
                           "The request signature we calculated does not match the signature you provided. Check your "
                           "AWS Secret Access Key and signing method. Consult the service documentation for details.")
        if request.header("x-amz-security-token") != identity.token:
            raise _refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        if identity.expired or (identity.expires is not None and identity.expires <= self._clock()):
            raise _refusal("ExpiredTokenException", "The security token included in the request is expired")
        return key_id, identity, region

    def _check_scope(self, timestamp, date, region):
        if self.region is not None and region != self.region:
            raise _refusal("InvalidSignatureException", "Credential should be scoped to a valid region. ")
        if timestamp[:8] != date:
            raise _refusal("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from "
                           f"ISO-8601 version of date from HTTP: '{date}' != '{timestamp[:8]}', from '{timestamp}'.")

    def _check_time(self, timestamp):
        try:
            signed_at = datetime.strptime(timestamp, _STAMP).replace(tzinfo=timezone.utc)
        except ValueError:
            raise _refusal("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'. "
                           f"Got '{timestamp}'.") from None
        now = self._clock()
        earliest, latest = now - TOLERANCE, now + TOLERANCE
        if signed_at < earliest:
            raise _refusal("InvalidSignatureException", f"Signature expired: {timestamp} is now earlier than "
                           f"{earliest.strftime(_STAMP)} ({now.strftime(_STAMP)} - 5 min.)")
        if signed_at > latest:
            raise _refusal("InvalidSignatureException", f"Signature not yet current: {timestamp} is still later than "
                           f"{latest.strftime(_STAMP)} ({now.strftime(_STAMP)} + 5 min.)")

    @staticmethod
    def _check_signed_headers(request, signed_headers):
        """The host and all x-amz- headers have to be signed, those that proxies change must not be."""
        needed = {"host", *(name for name, _ in request.headers if name.startswith("x-amz-"))}
        if not needed.issubset(signed_headers) or not _UNSIGNABLE.isdisjoint(signed_headers):
            raise _refusal("InvalidSignatureException", "'Host' and every 'X-Amz-' header, and none of "
                           f"{', '.join(sorted(_UNSIGNABLE))}, must be a 'SignedHeader' in the AWS Authorization.")


def denial(identity, call, region):
    """The AccessDeniedException for an identity without permissions."""
    action = f"appconfig:{call.operation.name}"
    return ApiError(403, "AccessDeniedException",
                    f"User: {identity.arn} is not authorized to perform: {action} on resource: {call.arn(region)}")
