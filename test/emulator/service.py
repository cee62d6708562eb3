"""The read operations of AppConfig: routes, constraints, name resolution, paging, answers and errors.

Everything here is about one request's meaning; nothing about sockets (httpd.py), who signed it
(signature.py) or what is done to the answer on purpose (faults.py).  The table OPERATIONS is checked
against the service model by model.py.
"""

import base64
import functools
import hashlib
import json
import re
from typing import NamedTuple
from urllib.parse import unquote

from dataset import ACCOUNT
from store import DEFINITION_SUMMARY_MEMBERS, RUN_SUMMARY_MEMBERS, select

#: Page size when the request names none.  The real one is not documented.
DEFAULT_PAGE_SIZE = 20

PROFILE_SUMMARY_MEMBERS = ("ApplicationId", "Id", "Name", "LocationUri", "Type")


class ApiError(Exception):
    """An error answer.  `front_end` errors spell their members as the authentication layer does."""

    def __init__(self, status, code, message, front_end=False):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.front_end = front_end


def bad_request(message):
    return ApiError(400, "BadRequestException", message)


def not_found(kind, identifier):
    return ApiError(404, "ResourceNotFoundException",
                    f"{kind} with Id {identifier} could not be found for account {ACCOUNT}")


# ---------------------------------------------------------------------------------------------------
# Constraints of the parameters
# ---------------------------------------------------------------------------------------------------

class Length(NamedTuple):
    """Text of a minimal and maximal number of characters, and perhaps a pattern that it begins with."""

    low: int
    high: int
    pattern: str | None = None

    def parse(self, text):
        if len(text) < self.low:
            raise ValueError(f"Member must have length greater than or equal to {self.low}")
        if len(text) > self.high:
            raise ValueError(f"Member must have length less than or equal to {self.high}")
        if self.pattern and not re.match(self.pattern, text):
            raise ValueError(f"Member must satisfy regular expression pattern: {self.pattern}")
        return text


class Whole(NamedTuple):
    """A 32-bit integer in decimal digits."""

    low: int
    high: int = 2**31 - 1

    def parse(self, text):
        if not re.fullmatch(r"[+-]?[0-9]{1,20}", text, re.ASCII):
            raise ValueError("Member must be an integer")
        if int(text) < self.low:
            raise ValueError(f"Member must have value greater than or equal to {self.low}")
        if int(text) > self.high:
            raise ValueError(f"Member must have value less than or equal to {self.high}")
        return int(text)


class OneOf(NamedTuple):
    """One of an enumeration's values."""

    values: tuple

    def parse(self, text):
        if text not in self.values:
            raise ValueError(f"Member must satisfy enum value set: [{', '.join(self.values)}]")
        return text


class Parameter(NamedTuple):
    """A path label or query parameter: its member in the model, its name on the wire, its constraint."""

    member: str
    wire: str
    constraint: Length | Whole | OneOf

    def parse(self, text):
        try:
            return self.constraint.parse(text)
        except ValueError as problem:
            name = self.member[0].lower() + self.member[1:]
            raise bad_request(f"1 validation error detected: Value '{text}' at '{name}' failed to satisfy constraint: "
                              f"{problem}") from None


_IDENTIFIER = Length(1, 2048)
_NAME = Length(1, 64)
_APPLICATION = Parameter("ApplicationIdentifier", "ApplicationIdentifier", _IDENTIFIER)
_DEFINITION = Parameter("ExperimentDefinitionIdentifier", "ExperimentDefinitionIdentifier", _IDENTIFIER)
_RUN = Parameter("Run", "Run", Whole(1))
_APPLICATION_ID = Parameter("ApplicationId", "ApplicationId", _NAME)
_ENVIRONMENT_ID = Parameter("EnvironmentId", "EnvironmentId", _NAME)
_PROFILE_ID = Parameter("ConfigurationProfileId", "ConfigurationProfileId", Length(1, 128))
_PAGE = (Parameter("MaxResults", "max_results", Whole(1, 50)), Parameter("NextToken", "next_token", Length(1, 2048)))


class Operation(NamedTuple):
    name: str
    literals: tuple      # the path's fixed segments; they alternate with the labels
    labels: tuple        # Parameters in the path
    query: tuple = ()    # Parameters in the query

    @property
    def path(self):
        """The path as the model writes it."""
        labels = [f"{{{label.wire}}}" for label in self.labels] + [None]
        return "".join(f"/{part}" for pair in zip(self.literals, labels) for part in pair if part)


_DEFINITIONS = ("applications", "experimentdefinitions")
_RUNS = (*_DEFINITIONS, "experimentruns")

OPERATIONS = (
    Operation("ListApplications", ("applications",), (), _PAGE),
    Operation("GetApplication", ("applications",), (_APPLICATION_ID,)),
    Operation("ListEnvironments", ("applications", "environments"), (_APPLICATION_ID,), _PAGE),
    Operation("GetEnvironment", ("applications", "environments"), (_APPLICATION_ID, _ENVIRONMENT_ID)),
    Operation("ListConfigurationProfiles", ("applications", "configurationprofiles"), (_APPLICATION_ID,),
              (*_PAGE, Parameter("Type", "type", Length(0, 2**31, r"^[a-zA-Z0-9\.\-]+")))),
    Operation("GetConfigurationProfile", ("applications", "configurationprofiles"), (_APPLICATION_ID, _PROFILE_ID)),
    Operation("ListExperimentDefinitions", ("experimentdefinitions",), (), (
        *_PAGE,
        Parameter("ApplicationIdentifier", "application_identifier", _IDENTIFIER),
        Parameter("ConfigurationProfileIdentifier", "configuration_profile_identifier", _IDENTIFIER),
        Parameter("EnvironmentIdentifier", "environment_identifier", _IDENTIFIER),
        Parameter("Status", "status", OneOf(("ACTIVE", "IDLE", "ARCHIVED"))))),
    Operation("GetExperimentDefinition", _DEFINITIONS, (_APPLICATION, _DEFINITION)),
    Operation("ListExperimentRuns", _RUNS, (_APPLICATION, _DEFINITION),
              (*_PAGE, Parameter("Status", "status", OneOf(("RUNNING", "DONE"))))),
    Operation("GetExperimentRun", _RUNS, (_APPLICATION, _DEFINITION, _RUN)),
    Operation("ListExperimentRunEvents", (*_RUNS, "events"), (_APPLICATION, _DEFINITION, _RUN), _PAGE),
)
_ROUTES = {(*operation.literals, len(operation.labels)): operation for operation in OPERATIONS}

_ARN_KINDS = {"applications": "application", "environments": "environment",
              "configurationprofiles": "configurationprofile", "experimentdefinitions": "experimentdefinition",
              "experimentruns": "experimentrun"}


class Call(NamedTuple):
    """A request as the service understands it: which operation, with what labels and query, all decoded."""

    operation: Operation
    labels: list
    query: dict

    @property
    def name(self):
        return self.operation.name

    def parse(self):
        """Labels and query as values, checked against their constraints; unknown query names are dropped."""
        labels = [label.parse(text) for label, text in zip(self.operation.labels, self.labels)]
        query = {parameter.wire: parameter.parse(self.query[parameter.wire])
                 for parameter in self.operation.query if parameter.wire in self.query}
        return labels, query

    def arn(self, region):
        """What an access decision is about; the List operations without labels are about everything."""
        if not self.labels:
            return "*"
        kinds = (_ARN_KINDS[literal] for literal in self.operation.literals if literal in _ARN_KINDS)
        return f"arn:aws:appconfig:{region}:{ACCOUNT}:" + "/".join(
            f"{kind}/{label}" for kind, label in zip(kinds, self.labels))


def normalized_segments(path):
    """The raw segments of a path without empty ones, `.` and `..`, encoded dots included."""
    segments = []
    for segment in path.split("/"):
        plain = re.sub("%2e", ".", segment, flags=re.IGNORECASE)
        if plain == "..":
            segments = segments[:-1]
        elif plain not in ("", "."):
            segments.append(segment)
    return segments


@functools.lru_cache(maxsize=4096)
def route(method, path, query):
    """The Call for a request line, or None where the service has no such operation.  It is shared: not to be changed."""
    segments = normalized_segments(path)
    operation = _ROUTES.get((*segments[0::2], len(segments[1::2])))
    if method != "GET" or operation is None:
        return None
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return Call(operation, [unquote(label) for label in segments[1::2]],
                {unquote(name): unquote(value) for name, _, value in pairs})


# ---------------------------------------------------------------------------------------------------
# Answers
# ---------------------------------------------------------------------------------------------------

class Service:
    """Answers calls from a store.

    Where a name is another resource's id, ids win, or names if `names_win` is set: the real service's
    choice is not documented, so a client must not depend on either.
    """

    def __init__(self, store, names_win=False):
        self.store = store
        self.names_win = names_win

    def answer(self, call):
        """The body of a successful answer as bytes; ApiError otherwise."""
        labels, query = call.parse()
        document = getattr(self, f"_{_snake(call.operation.name)}")(call.operation, labels, query)
        return document if isinstance(document, bytes) else encode(document)

    # Finding things

    def _find(self, kind, documents, identifier):
        """Ids of the documents that an identifier means: one with that id, or those with that name."""
        by_id = [document for document in documents if document["Id"] == identifier]
        by_name = [document for document in documents if document["Name"] == identifier]
        found = (by_name or by_id) if self.names_win else (by_id or by_name)
        if not found:
            raise not_found(kind, identifier)
        return [document["Id"] for document in found]

    def _application(self, identifier):
        return self._find("Application", self.store.applications.values(), identifier)[0]

    def _definition(self, labels):
        application = self._application(labels[0])
        children = self.store.definitions[application].values()
        return application, self._find("ExperimentDefinition", children, labels[1])[0]

    def _run(self, labels):
        application, definition = self._definition(labels)
        run = self.store.runs[application, definition].get(labels[2])
        if run is None:
            raise not_found("ExperimentRun", labels[2])
        return application, definition, run

    @staticmethod
    def _by_id(kind, documents, identifier):
        if identifier not in documents:
            raise not_found(kind, identifier)
        return documents[identifier]

    # Paging

    @staticmethod
    def _page(operation, labels, query, keys, item):
        """One page of the items that belong to `keys`, which must be distinct and in a stable order.

        A token names the key that its page comes after and carries a digest of everything it belongs to.
        """
        size = query.get("max_results", DEFAULT_PAGE_SIZE)
        binding = _token_binding(operation, labels, query)
        start = 0
        if "next_token" in query:
            after = _read_token(query["next_token"], binding)
            try:
                start = 0 if after is None else keys.index(after) + 1
            except ValueError:
                raise _bad_token(query["next_token"]) from None
        page = keys[start:start + size]
        document = {"Items": [item(key) for key in page]}
        if start + size < len(keys):
            document["NextToken"] = _make_token(page[-1], binding)
        return document

    @staticmethod
    def same_page_token(call, nonce):
        """A token, new with each nonce, for the very page that a well-formed call asks for."""
        labels, query = call.parse()
        binding = _token_binding(call.operation, labels, query)
        after = _read_token(query["next_token"], binding) if "next_token" in query else None
        return _make_token(after, binding, nonce)

    # Operations

    def _list_applications(self, operation, labels, query):
        return self._page(operation, labels, query, list(self.store.applications), self.store.applications.get)

    def _get_application(self, operation, labels, query):
        return self._by_id("Application", self.store.applications, labels[0])

    def _list_environments(self, operation, labels, query):
        self._get_application(operation, labels, query)
        children = self.store.environments[labels[0]]
        return self._page(operation, labels, query, list(children), children.get)

    def _get_environment(self, operation, labels, query):
        self._get_application(operation, labels, query)
        return self._by_id("Environment", self.store.environments[labels[0]], labels[1])

    def _list_configuration_profiles(self, operation, labels, query):
        self._get_application(operation, labels, query)
        children = self.store.profiles[labels[0]]
        keys = [key for key, profile in children.items()
                if "type" not in query or profile.get("Type", "AWS.Freeform") == query["type"]]

        def summary(key):
            document = select(children[key], PROFILE_SUMMARY_MEMBERS)
            if "Validators" in children[key]:
                document["ValidatorTypes"] = [validator["Type"] for validator in children[key]["Validators"]]
            return document

        return self._page(operation, labels, query, keys, summary)

    def _get_configuration_profile(self, operation, labels, query):
        self._get_application(operation, labels, query)
        return self._by_id("ConfigurationProfile", self.store.profiles[labels[0]], labels[1])

    def _list_experiment_definitions(self, operation, labels, query):
        store = self.store
        if "application_identifier" in query:
            application = self._application(query["application_identifier"])
            definitions = store.definitions[application].values()
            environments = store.environments[application].values()
            profiles = store.profiles[application].values()
        else:
            definitions = store.all_definitions()
            environments = store.all_environments()
            profiles = store.all_profiles()
        wanted = {}
        if "environment_identifier" in query:
            wanted["EnvironmentId"] = self._find("Environment", environments, query["environment_identifier"])
        if "configuration_profile_identifier" in query:
            wanted["ConfigurationProfileId"] = self._find(
                "ConfigurationProfile", profiles, query["configuration_profile_identifier"])
        if "status" in query:
            wanted["Status"] = [query["status"]]
        chosen = {(document["ApplicationId"], document["Id"]): document for document in definitions
                  if all(document.get(member) in values for member, values in wanted.items())}
        return self._page(operation, labels, query, list(chosen),
                          lambda key: select(chosen[key], DEFINITION_SUMMARY_MEMBERS))

    def _get_experiment_definition(self, operation, labels, query):
        application, definition = self._definition(labels)
        return self.store.raw.get(("definition", application, definition),
                                  self.store.definitions[application][definition])

    def _list_experiment_runs(self, operation, labels, query):
        application, definition = self._definition(labels)
        table = self.store.runs[application, definition]
        keys = table.numbers()
        if "status" in query:
            keys = [key for key in keys if table.get(key).document.get("Status") == query["status"]]
        return self._page(operation, labels, query, keys,
                          lambda key: select(table.get(key).document, RUN_SUMMARY_MEMBERS))

    def _get_experiment_run(self, operation, labels, query):
        application, definition, run = self._run(labels)
        return self.store.raw.get(("run", application, definition, labels[2]), run.document)

    def _list_experiment_run_events(self, operation, labels, query):
        events = self._run(labels)[2].events
        return self._page(operation, labels, query, list(range(len(events))), lambda index: events[index])


def _snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def encode(document):
    """A document as the service sends it; half of a surrogate pair, which UTF-8 does not have, as an escape."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def _token_binding(operation, labels, query):
    """Everything that a token belongs to: it is refused with any other operation, filter or page size."""
    fixed = {name: value for name, value in query.items() if name != "next_token"}
    return [operation.name, labels, {"max_results": DEFAULT_PAGE_SIZE, **fixed}]


def _digest(key, binding):
    return hashlib.sha256(json.dumps([key, binding], sort_keys=True).encode()).hexdigest()[:24]


def _make_token(key, binding, nonce=0):
    return base64.urlsafe_b64encode(json.dumps([key, _digest(key, binding), nonce]).encode()).decode()


def _read_token(token, binding):
    """The key in a token, if the token was made for the same binding."""
    try:
        key, digest, _ = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, TypeError):
        raise _bad_token(token) from None
    if digest != _digest(key, binding):
        raise _bad_token(token)
    return tuple(key) if isinstance(key, list) else key


def _bad_token(token):
    return bad_request(f"Invalid nextToken parameter {token}.")
