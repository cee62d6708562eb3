"""What the account holds, worked out from the emulator's dump without the extension.

`Account` gives every foreign table's rows as they ought to be, and the numbers that the minimum of
calls is counted with.  `trim` makes the default data set: the emulator's nasty one with fewer runs, so that
a full read takes some four hundred calls.  `lacks` tells what a data set has to hold and does not.

Nothing here knows SQL queries (queries.py) or calls (minimum.py).
"""

import json
import re
from collections import defaultdict

VALUE_TYPES = {"StringValue": "string", "NumberValue": "number", "BooleanValue": "boolean",
               "StringArray": "string_array", "NumberArray": "number_array"}

#: Columns of each table by name; the type is the foreign table's own.
RUN_KEYS = (("application_id", "text"), ("application_name", "text"), ("experiment_definition_id", "text"),
            ("experiment_definition_name", "text"), ("run", "integer"))
DEFINITION_KEYS = RUN_KEYS[:4]
_TREATMENT = (("treatment_key", "text"), ("is_control", "boolean"), ("ordinal", "integer"),
              ("weight", "double precision"), ("description", "text"), ("enabled", "boolean"),
              ("attribute_values", "jsonb"))
_ATTRIBUTE = (("treatment_key", "text"), ("is_control", "boolean"), ("attribute_key", "text"), ("value_type", "text"),
              ("string_value", "text"), ("number_value", "double precision"), ("boolean_value", "boolean"),
              ("string_array", "text[]"), ("number_array", "double precision[]"), ("value", "jsonb"))
_SNAPSHOT = (("hypothesis", "text", "Hypothesis"), ("configuration_profile_id", "text", "ConfigurationProfileId"),
             ("environment_id", "text", "EnvironmentId"), ("flag_key", "text", "FlagKey"),
             ("audience_rule", "text", "AudienceRule"), ("audience_description", "text", "AudienceDescription"),
             ("launch_criteria", "text", "LaunchCriteria"))
_REGION = (("region", "text"),)

TABLES = {
    "applications": (("application_id", "text"), ("application_name", "text"), ("description", "text"), *_REGION),
    "experiment_definitions": (
        *DEFINITION_KEYS, ("hypothesis", "text"), ("status", "text"), ("configuration_profile_id", "text"),
        ("environment_id", "text"), ("flag_key", "text"), ("audience_rule", "text"), ("audience_description", "text"),
        ("launch_criteria", "text"), ("created_at", "timestamptz"), ("updated_at", "timestamptz"),
        ("kms_key_identifier", "text"), ("treatments", "jsonb"), ("control", "jsonb"), *_REGION),
    "experiment_runs": (
        *RUN_KEYS, ("description", "text"), ("status", "text"), ("exposure_percentage", "double precision"),
        ("treatment_overrides", "jsonb"), ("result_executive_summary", "text"), ("result_reasons_to_launch", "text"),
        ("result_reasons_not_to_launch", "text"), ("started_at", "timestamptz"), ("updated_at", "timestamptz"),
        ("ended_at", "timestamptz"), *((name, kind) for name, kind, _ in _SNAPSHOT),
        ("experiment_definition_snapshot", "jsonb"), *_REGION),
    "treatments": (*RUN_KEYS, *_TREATMENT, *_REGION),
    "attribute_values": (*RUN_KEYS, *_ATTRIBUTE, *_REGION),
    "treatment_overrides": (*RUN_KEYS, ("entity_id", "text"), ("treatment_key", "text"), *_REGION),
    "run_events": (
        *RUN_KEYS, ("occurred_at", "timestamptz"), ("event_type", "text"), ("triggered_by", "text"),
        ("description", "text"), ("associated_deployment", "text"), ("exposure_percentage", "double precision"),
        ("treatment_overrides", "jsonb"), *_REGION),
    "definition_treatments": (*DEFINITION_KEYS, *_TREATMENT, *_REGION),
    "definition_attribute_values": (*DEFINITION_KEYS, *_ATTRIBUTE, *_REGION),
    "environments": (
        ("application_id", "text"), ("application_name", "text"), ("environment_id", "text"),
        ("environment_name", "text"), ("description", "text"), ("state", "text"), ("monitors", "jsonb"), *_REGION),
    "configuration_profiles": (
        ("application_id", "text"), ("application_name", "text"), ("configuration_profile_id", "text"),
        ("configuration_profile_name", "text"), ("location_uri", "text"), ("type", "text"),
        ("validator_types", "text[]"), *_REGION),
}


# ---------------------------------------------------------------------------------------------------
# A smaller account
# ---------------------------------------------------------------------------------------------------

def _keeps_run(application, definition, run):
    if definition == "def120x":
        return run <= 40 or run % 10 == 0 or run >= 116
    if application == "many120":
        return int(definition[2:]) <= 8
    return True


def trim(dump):
    """The dump without most of the runs that only repeat: lists still have several pages, every oddity stays."""
    return {**dump, **{section: [
        document for document in dump[section]
        if _keeps_run(document["ApplicationId"], document["ExperimentDefinitionId"], document["Run"])]
        for section in ("experiment_runs", "experiment_run_events")}}


# ---------------------------------------------------------------------------------------------------
# Rows
# ---------------------------------------------------------------------------------------------------

def _json(value):
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _path(document, *names):
    for name in names:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def _treatments(holder):
    arms = [] if not holder or holder.get("Control") is None else [(True, 0, holder["Control"])]
    return arms + [(False, index, arm) for index, arm in enumerate((holder or {}).get("Treatments") or [], start=1)]


def _treatment_rows(keys, holder):
    for is_control, ordinal, arm in _treatments(holder):
        yield {**keys, "treatment_key": arm.get("Key"), "is_control": is_control, "ordinal": ordinal,
               "weight": arm.get("Weight"), "description": arm.get("Description"),
               "enabled": _path(arm, "FlagValue", "Enabled"),
               "attribute_values": _json(_path(arm, "FlagValue", "AttributeValues"))}


def _attribute_rows(keys, holder):
    for is_control, _, arm in _treatments(holder):
        for name, union in (_path(arm, "FlagValue", "AttributeValues") or {}).items():
            (member, value), = union.items()
            yield {**keys, "treatment_key": arm.get("Key"), "is_control": is_control, "attribute_key": name,
                   "value_type": VALUE_TYPES.get(member, member), "string_value": union.get("StringValue"),
                   "number_value": union.get("NumberValue"), "boolean_value": union.get("BooleanValue"),
                   "string_array": union.get("StringArray"), "number_array": union.get("NumberArray"),
                   "value": _json(value)}


class Account:
    """The rows of each table, as dicts of text-like Python values, and indexes of the documents."""

    def __init__(self, dump, region="us-east-1"):
        self.region = region
        self.applications = {document["Id"]: document for document in dump["applications"]}
        self.environments = {(document["ApplicationId"], document["Id"]): document
                             for document in dump["environments"]}
        self.profiles = {(document["ApplicationId"], document["Id"]): document
                         for document in dump["configuration_profiles"]}
        self.definitions = {(document["ApplicationId"], document["Id"]): document
                            for document in dump["experiment_definitions"]}
        self.runs = {(document["ApplicationId"], document["ExperimentDefinitionId"], document["Run"]): document
                     for document in dump["experiment_runs"]}
        self.events = {(entry["ApplicationId"], entry["ExperimentDefinitionId"], entry["Run"]): entry["Items"]
                       for entry in dump["experiment_run_events"]}
        self.definitions_of = defaultdict(list)
        for application, definition in self.definitions:
            self.definitions_of[application].append(definition)
        self.runs_of = defaultdict(list)
        for application, definition, run in self.runs:
            self.runs_of[application, definition].append(run)
        self.rows = {table: [{**row, "region": region} for row in getattr(self, f"_{table}")()] for table in TABLES}
        self.pools = {table: {name: sorted({row.get(name) for row in rows if isinstance(row.get(name), (str, int))},
                                           key=lambda value: (str(type(value)), value))
                              for name, _ in TABLES[table]} for table, rows in self.rows.items()}
        self.names = {document["Name"] for document in (*self.applications.values(), *self.definitions.values(),
                                                        *self.environments.values(), *self.profiles.values())}

    def _application_keys(self, application):
        return {"application_id": application, "application_name": self.applications[application].get("Name")}

    def _definition_keys(self, key):
        return {**self._application_keys(key[0]), "experiment_definition_id": key[1],
                "experiment_definition_name": self.definitions[key[:2]].get("Name")}

    def _run_keys(self, key):
        return {**self._definition_keys(key), "run": key[2]}

    def _applications(self):
        for key, document in self.applications.items():
            yield {**self._application_keys(key), "description": document.get("Description")}

    def _experiment_definitions(self):
        for key, document in self.definitions.items():
            yield {**self._definition_keys(key), **{name: document.get(member) for name, _, member in _SNAPSHOT},
                   "status": document.get("Status"), "created_at": document.get("CreatedAt"),
                   "updated_at": document.get("UpdatedAt"), "kms_key_identifier": document.get("KmsKeyIdentifier"),
                   "treatments": _json(document.get("Treatments")), "control": _json(document.get("Control"))}

    def _experiment_runs(self):
        for key, document in self.runs.items():
            snapshot = document.get("ExperimentDefinitionSnapshot")
            result = document.get("Result") or {}
            yield {**self._run_keys(key), "description": document.get("Description"),
                   "status": document.get("Status"), "exposure_percentage": document.get("ExposurePercentage"),
                   "treatment_overrides": _json(_path(document, "TreatmentOverrides", "Inline")),
                   "result_executive_summary": result.get("ExecutiveSummary"),
                   "result_reasons_to_launch": result.get("ReasonsToLaunch"),
                   "result_reasons_not_to_launch": result.get("ReasonsNotToLaunch"),
                   "started_at": document.get("StartedAt"), "updated_at": document.get("UpdatedAt"),
                   "ended_at": document.get("EndedAt"),
                   **{name: (snapshot or {}).get(member) for name, _, member in _SNAPSHOT},
                   "experiment_definition_snapshot": _json(snapshot)}

    def _treatments(self):
        for key, document in self.runs.items():
            yield from _treatment_rows(self._run_keys(key), document.get("ExperimentDefinitionSnapshot"))

    def _attribute_values(self):
        for key, document in self.runs.items():
            yield from _attribute_rows(self._run_keys(key), document.get("ExperimentDefinitionSnapshot"))

    def _treatment_overrides(self):
        for key, document in self.runs.items():
            for entity, treatment in (_path(document, "TreatmentOverrides", "Inline") or {}).items():
                yield {**self._run_keys(key), "entity_id": entity, "treatment_key": treatment}

    def _run_events(self):
        for key, events in self.events.items():
            for event in events:
                yield {**self._run_keys(key), "occurred_at": event.get("OccurredAt"),
                       "event_type": event.get("EventType"), "triggered_by": event.get("TriggeredBy"),
                       "description": event.get("Description"),
                       "associated_deployment": event.get("AssociatedDeployment"),
                       "exposure_percentage": event.get("ExposurePercentage"),
                       "treatment_overrides": _json(_path(event, "TreatmentOverrides", "Inline"))}

    def _definition_treatments(self):
        for key, document in self.definitions.items():
            yield from _treatment_rows(self._definition_keys(key), document)

    def _definition_attribute_values(self):
        for key, document in self.definitions.items():
            yield from _attribute_rows(self._definition_keys(key), document)

    def _environments(self):
        for key, document in self.environments.items():
            yield {**self._application_keys(key[0]), "environment_id": key[1],
                   "environment_name": document.get("Name"), "description": document.get("Description"),
                   "state": document.get("State"), "monitors": _json(document.get("Monitors"))}

    def _configuration_profiles(self):
        for key, document in self.profiles.items():
            validators = document.get("Validators")
            yield {**self._application_keys(key[0]), "configuration_profile_id": key[1],
                   "configuration_profile_name": document.get("Name"), "location_uri": document.get("LocationUri"),
                   "type": document.get("Type"),
                   "validator_types": None if validators is None else [item.get("Type") for item in validators]}


# ---------------------------------------------------------------------------------------------------
# What it has to hold
# ---------------------------------------------------------------------------------------------------

def _named_as_another(documents):
    """Is the name of one the id of another one?"""
    ids = {document["Id"] for document in documents}
    return any(document["Name"] in ids - {document["Id"]} for document in documents)


def _named_as_a_sibling(documents):
    """The same within an application."""
    families = defaultdict(list)
    for document in documents:
        families[document["ApplicationId"]].append(document)
    return any(_named_as_another(family) for family in families.values())


def _empty_and_absent(documents, member):
    return {document.get(member) for document in documents} >= {"", None}


def lacks(account):
    """What the default data set is there for and the account does not hold, in words."""
    applications, definitions = account.applications.values(), account.definitions.values()
    environments, profiles = account.environments.values(), account.profiles.values()
    holds = {
        "an application that is named as another one's id": _named_as_another(applications),
        "a definition that is named as another one's id": _named_as_a_sibling(definitions),
        "an environment that is named as another one's id": _named_as_a_sibling(environments),
        "a configuration profile that is named as another one's id": _named_as_a_sibling(profiles),
        "a description of an application that is empty, and none": _empty_and_absent(applications, "Description"),
        "a hypothesis that is empty, and none": _empty_and_absent(definitions, "Hypothesis"),
        "a description of a run that is empty, and none": _empty_and_absent(account.runs.values(), "Description"),
        "a definition without runs": any(not account.runs_of.get(key) for key in account.definitions),
        "120 definitions in one application": max(map(len, account.definitions_of.values()), default=0) >= 120,
        "an application without definitions": any(not account.definitions_of.get(key) for key in account.applications),
        "an archived definition whose environment is gone": any(
            document.get("Status") == "ARCHIVED" and (key[0], document["EnvironmentId"]) not in account.environments
            for key, document in account.definitions.items()),
        "an archived definition whose configuration profile is gone": any(
            document.get("Status") == "ARCHIVED" and (key[0], document["ConfigurationProfileId"]) not in account.profiles
            for key, document in account.definitions.items()),
        "runs of every status": {document.get("Status") for document in account.runs.values()} >= {"RUNNING", "DONE"},
    }
    for what, pattern in (("a space", " "), ("a slash", "/"), ("a single quote", "'"), ("a double quote", '"'),
                          ("a percent sign", "%"), ("a backslash", r"\\"), ("an emoji", "[\U0001F300-\U0001FAFF]")):
        for kind, documents in (("an application", applications), ("a definition", definitions)):
            holds[f"{kind} with {what} in its name"] = any(re.search(pattern, document["Name"]) for document in documents)
    return [what for what, held in holds.items() if not held]
