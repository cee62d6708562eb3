#!/usr/bin/python3
"""Holds the emulator against AWS's service model and published examples.

    check_model.py [MODEL [EXAMPLES]]

MODEL is a botocore-style service-2.json that has the experiment operations; EXAMPLES has published
request and response pairs, {"examples": {operation: [{"request", "status", "response"}]}}.  Every read
operation is called over every resource of the data set `nasty` and each answer is checked; then the
examples' read requests are replayed.  STS is held against the model that botocore has of it.  Without
a MODEL, or if there is no such file, nothing is checked and the outcome is a success.
"""

import json
import re
import sys
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlencode

from botocore.loaders import create_loader

from credentials import PARAMETERS, iso
from dataset import ACCOUNT
from harness import RunningEmulator
from model import Model
from service import OPERATIONS

#: Where the data break the model on purpose, as the real service does or might: operation and violation.
ON_PURPOSE = (
    # dossier: environments say ReadyForDeployment where the enumeration has READY_FOR_DEPLOYMENT
    (r"(Get|List)Environments?", r"State: (ReadyForDeployment|RolledBack) is not in the enumeration"),
    # values that no version of the model knows yet
    (r"GetExperimentRun|ListExperimentRuns", r"Status: STOPPING is not in the enumeration"),
    (r"ListExperimentRunEvents", r"(EventType: RUN_PAUSED|TriggeredBy: SCHEDULER) is not in the enumeration"),
    (r"GetExperimentRun", r"\.(DurationValue|JsonValue|stringvalue): unknown member"),
    (r"GetExperimentRun|ListExperimentRunEvents", r"TreatmentOverrides\.Stored: unknown member"),
    (r"GetExperimentRun", r"\.(Owner|Tier|Revision): unknown member"),
)


class Tally:
    passed = 0
    failed = 0

    def check(self, what, problems):
        problems = list(problems)
        self.failed += bool(problems)
        self.passed += not problems
        for problem in problems:
            print(f"FAIL {what}: {problem}")


def unexpected(operation, violations, seen):
    """The violations that are not on purpose; the exceptions that were made are added to `seen`."""
    for violation in violations:
        exception = next((exception for exception in ON_PURPOSE
                          if re.fullmatch(exception[0], operation) and re.search(exception[1], violation)), None)
        if exception is None:
            yield violation
        else:
            seen.add(exception)


def calls(emulator, connection):
    """Every read operation over every resource: (operation, answer)."""
    def pages(operation, path, **query):
        answers = emulator.pages(path, connection, **query)
        yield from ((operation, answer) for answer in answers)
        return [item for answer in answers for item in answer.json["Items"]]

    applications = yield from pages("ListApplications", "/applications")
    yield from pages("ListExperimentDefinitions", "/experimentdefinitions", max_results=50)
    for application in applications:
        base = f"/applications/{application['Id']}"
        yield "GetApplication", emulator.get(base, connection)
        for resource, kind in (("Environment", "environments"), ("ConfigurationProfile", "configurationprofiles")):
            children = yield from pages(f"List{resource}s", f"{base}/{kind}")
            for child in children:
                yield f"Get{resource}", emulator.get(f"{base}/{kind}/{child['Id']}", connection)
        definitions = yield from pages("ListExperimentDefinitions", "/experimentdefinitions",
                                       application_identifier=application["Id"])
        for definition in definitions:
            path = f"{base}/experimentdefinitions/{definition['Id']}"
            yield "GetExperimentDefinition", emulator.get(path, connection)
            runs = yield from pages("ListExperimentRuns", f"{path}/experimentruns", max_results=50)
            for run in runs:
                yield "GetExperimentRun", emulator.get(f"{path}/experimentruns/{run['Run']}", connection)
                yield from pages("ListExperimentRunEvents", f"{path}/experimentruns/{run['Run']}/events")


def differences(example, answer, path="$"):
    """Members of an example that the answer lacks or has with another type.

    Lists are compared by their first items' members: the emulated account holds more than the example's.
    """
    if type(example) is not type(answer):
        yield f"{path}: {type(answer).__name__}, not {type(example).__name__}"
    elif isinstance(example, dict):
        for member, value in example.items():
            if member not in answer:
                yield f"{path}.{member}: absent"
            else:
                yield from differences(value, answer[member], f"{path}.{member}")
    elif isinstance(example, list) and example:
        if not answer:
            yield f"{path}: empty"
        else:
            yield from differences(example[0], answer[0], f"{path}[0]")


def replay(emulator, examples, tally):
    """Sends the examples' requests for the operations that the emulator has."""
    for operation in OPERATIONS:
        for example in examples.get(operation.name, ()):
            request = example["request"]
            path = request["path"] + (f"?{urlencode(request['query'])}" if request.get("query") else "")
            answer = emulator.get(path)
            problems = [] if answer.status == example["status"] else [f"status {answer.status}"]
            tally.check(f"example of {operation.name}", problems or differences(example["response"], answer.json))


#: A call of each operation of STS.
STS_CALLS = {
    "AssumeRole": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/ReportReader", "RoleSessionName": "nightly"},
    "AssumeRoleWithWebIdentity": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/PodReader", "RoleSessionName": "nightly",
                                  "WebIdentityToken": "eyJhbGciOiJub25lIn0.e30.c2ln"},
    "GetCallerIdentity": {},
}


def check_sts(emulator, model, tally):
    """The table of parameters, and an answer of each operation; its number for a moment becomes a text as elsewhere."""
    tally.check("table of STS's parameters", model.form_violations())
    for operation in PARAMETERS:
        answer = emulator.sts(operation, **STS_CALLS[operation])
        result = answer.json[f"{operation}Response"][f"{operation}Result"]
        keys = result.get("Credentials")
        if keys:
            keys["Expiration"] = iso(datetime.fromtimestamp(keys["Expiration"], timezone.utc))
        tally.check(operation, model.violations(operation, result))


def main(arguments):
    model_path = Path(arguments[0]) if arguments else None
    if model_path is None or not model_path.is_file():
        print("skipped: no service model given")
        return 0
    model = Model.load(model_path)
    tally = Tally()
    tally.check("table of operations", model.table_violations())
    with RunningEmulator("--data", "nasty") as emulator:
        connection = emulator.connect()
        seen = set()
        for operation, answer in calls(emulator, connection):
            problems = [f"status {answer.status}"] if answer.status != 200 else model.violations(operation, answer.json)
            tally.check(operation, unexpected(operation, problems, seen))
        connection.close()
        tally.check("list of exceptions", (f"{exception} was never needed" for exception in set(ON_PURPOSE) - seen))
        check_sts(emulator, Model(create_loader().load_service_model("sts", "service-2")), tally)
        if len(arguments) > 1:
            with open(arguments[1], encoding="utf-8") as file:
                replay(emulator, json.load(file)["examples"], tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
