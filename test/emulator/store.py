"""The emulator's memory: one AWS account's applications, environments, profiles, definitions and runs.

Here live the containers, the order in which lists give their items, finding a resource by id or by
name, and reading and writing a whole store as JSON.  Documents are plain dicts shaped exactly as the
Get operation of their kind answers.  What the data are is dataset.py's business; what is a valid
request, paging and errors are service.py's; changes on behalf of tests are control.py's.
"""

import json

RUN_SUMMARY_MEMBERS = ("ExperimentDefinitionId", "Run", "Description", "Status", "StartedAt", "UpdatedAt", "EndedAt")
DEFINITION_SUMMARY_MEMBERS = (
    "ApplicationId", "Id", "Name", "Hypothesis", "Status", "ConfigurationProfileId", "EnvironmentId", "FlagKey",
    "CreatedAt", "UpdatedAt")
SNAPSHOT_MEMBERS = (
    "ApplicationId", "Id", "Name", "Hypothesis", "ConfigurationProfileId", "EnvironmentId", "FlagKey", "AudienceRule",
    "AudienceDescription", "LaunchCriteria", "Treatments", "Control")


def select(document, members):
    """The given members of a document, absent ones left out."""
    return {member: document[member] for member in members if member in document}


class Run:
    """A run's document and its events, newest first."""

    __slots__ = ("document", "events")

    def __init__(self, document, events):
        self.document = document
        self.events = events


class RunTable:
    """The runs of one definition by number.

    Runs 1..generated are made by `build` whenever they are asked for and never kept, so a table of
    any length costs nothing; a run that was put takes precedence over the one that would be built.
    """

    def __init__(self, generated=0, build=None):
        self._generated = generated
        self._build = build
        self._put = {}

    def get(self, number):
        if number in self._put:
            return self._put[number]
        if 1 <= number <= self._generated:
            return self._build(number)
        return None

    def put(self, number, run):
        self._put[number] = run

    def numbers(self):
        """Run numbers, newest first: the order of ListExperimentRuns."""
        extra = sorted((number for number in self._put if number > self._generated), reverse=True)
        return extra + list(range(self._generated, 0, -1))

    def last(self):
        return max((self._generated, *self._put))


class Store:
    """Everything in the account.  Dicts keep the order of creation, which is the order of the lists."""

    def __init__(self):
        self.applications = {}
        self.environments = {}
        self.profiles = {}
        self.definitions = {}
        self.runs = {}
        #: Documents to be sent byte for byte instead of the stored ones: {(kind, *ids): bytes}.
        self.raw = {}

    def put_application(self, document):
        application = document["Id"]
        self.applications[application] = document
        for children in (self.environments, self.profiles, self.definitions):
            children.setdefault(application, {})

    def put_environment(self, document):
        self.environments[document["ApplicationId"]][document["Id"]] = document

    def put_profile(self, document):
        self.profiles[document["ApplicationId"]][document["Id"]] = document

    def put_definition(self, document, runs=None):
        application, definition = document["ApplicationId"], document["Id"]
        self.definitions[application][definition] = document
        if runs is not None:
            self.runs[application, definition] = runs
        else:
            self.runs.setdefault((application, definition), RunTable())

    def put_run(self, run):
        document = run.document
        self.runs[document["ApplicationId"], document["ExperimentDefinitionId"]].put(document["Run"], run)

    def all_environments(self):
        return [document for children in self.environments.values() for document in children.values()]

    def all_profiles(self):
        return [document for children in self.profiles.values() for document in children.values()]

    def all_definitions(self):
        return [document for children in self.definitions.values() for document in children.values()]

    # Whole stores as JSON: one document a line, so that big ones can be written and read as a stream.

    def _all_runs(self):
        for table in self.runs.values():
            for number in table.numbers():
                yield table.get(number)

    def _all_events(self):
        for run in self._all_runs():
            yield {**select(run.document, ("ApplicationId", "ExperimentDefinitionId", "Run")), "Items": run.events}

    def dump(self, out):
        """Writes the store as one JSON object with a list for each kind of resource.

        `experiment_run_events` has one entry a run, whose `Items` are in the order of the API.
        """
        sections = {
            "applications": self.applications.values(),
            "environments": self.all_environments(),
            "configuration_profiles": self.all_profiles(),
            "experiment_definitions": self.all_definitions(),
            "experiment_runs": (run.document for run in self._all_runs()),
            "experiment_run_events": self._all_events(),
        }
        separator = "{\n"
        for section, documents in sections.items():
            out.write(f'{separator}"{section}": [')
            line_end = "\n"
            for document in documents:
                out.write(line_end + json.dumps(document, ensure_ascii=False))
                line_end = ",\n"
            out.write("\n]")
            separator = ",\n"
        out.write("\n}\n")

    @classmethod
    def load(cls, dump):
        """The store that dump() wrote, from its parsed JSON."""
        store = cls()
        for document in dump["applications"]:
            store.put_application(document)
        for document in dump["environments"]:
            store.put_environment(document)
        for document in dump["configuration_profiles"]:
            store.put_profile(document)
        for document in dump["experiment_definitions"]:
            store.put_definition(document)
        for document in dump["experiment_runs"]:
            store.put_run(Run(document, []))
        for entry in dump["experiment_run_events"]:
            run = store.runs[entry["ApplicationId"], entry["ExperimentDefinitionId"]].get(entry["Run"])
            run.events = entry["Items"]
        return store
