"""The control interface under /_emulator/: log, counters, faults and changes of the data.

Unsigned, JSON in and out, for tests only.  Control requests are neither logged nor counted nor
subject to faults.

  GET          /_emulator/log      the entries
  DELETE       /_emulator/log      the same, which are forgotten, and counters start anew
  GET          /_emulator/stats    counters
  GET          /_emulator/dump     the data as emulator.py --dump prints them, changes included
  POST, DELETE /_emulator/faults   [{"kind": ..., option: ...}, ...] replaces the rules; no more faults
  PATCH        /_emulator/faults   the same list, added after the rules in force
  POST         /_emulator/mutate   {"action": ..., argument: ...}, see the methods of Mutations, and those of
                                   Actions in credentials.py
"""

import io
import json
from datetime import timedelta

from dataset import event, stamp, utc
from faults import Rule
from httpd import Response
from service import encode
from store import SNAPSHOT_MEMBERS, Run, select

PREFIX = "/_emulator/"


class Mutations:
    """Changes to the data: each public method is an action, its arguments are the action's.

    Applications and definitions are named by id.  Changes happen one minute apart on a clock of their
    own, so that the outcome of a test does not depend on when it runs.
    """

    def __init__(self, store, clock_offset):
        self._store = store
        self._clock_offset = clock_offset
        self._now = utc(2026, 10, 1)

    def _tick(self):
        self._now += timedelta(minutes=1)
        return self._now

    def _run(self, application, definition, run):
        table = self._store.runs[application, definition]
        found = table.get(run)
        if found is None:
            raise LookupError(f"no run {run}")
        table.put(run, found)
        return found

    def _touch(self, application, definition, moment, status):
        self._store.definitions[application][definition].update(Status=status, UpdatedAt=stamp(moment, 0))

    def start_run(self, application, definition, exposure=0.0, overrides=None, description=None):
        """Starts the next run, as StartExperimentRun does; answers its document."""
        now = self._tick()
        table = self._store.runs[application, definition]
        inline = {} if overrides is None else {"TreatmentOverrides": {"Inline": overrides}}
        document = {
            "ApplicationId": application, "ExperimentDefinitionId": definition, "Run": table.last() + 1,
            **({} if description is None else {"Description": description}),
            "Status": "RUNNING", "ExposurePercentage": float(exposure), **inline,
            "StartedAt": stamp(now, 6), "UpdatedAt": stamp(now),
            "ExperimentDefinitionSnapshot": select(self._store.definitions[application][definition], SNAPSHOT_MEMBERS)}
        started = event("RUN_STARTED", stamp(now), float(exposure), inline.get("TreatmentOverrides"))
        table.put(document["Run"], Run(document, [started]))
        self._touch(application, definition, now, "ACTIVE")
        return document

    def update_run(self, application, definition, run, exposure=None, overrides=None, description=None):
        """Changes a run as UpdateExperimentRun does; answers its document."""
        now = self._tick()
        found = self._run(application, definition, run)
        if exposure is not None:
            found.document["ExposurePercentage"] = float(exposure)
            found.events.insert(0, event("EXPOSURE_UPDATED", stamp(now), float(exposure)))
        if overrides is not None:
            found.document["TreatmentOverrides"] = {"Inline": overrides}
            found.events.insert(0, event("OVERRIDES_UPDATED", stamp(now), overrides={"Inline": overrides}))
        if description is not None:
            found.document["Description"] = description
        found.document["UpdatedAt"] = stamp(now)
        return found.document

    def stop_run(self, application, definition, run, result=None):
        """Stops a run as StopExperimentRun does; answers its document."""
        now = self._tick()
        found = self._run(application, definition, run)
        found.document.update(Status="DONE", UpdatedAt=stamp(now), EndedAt=stamp(now))
        if result is not None:
            found.document["Result"] = result
        found.events.insert(0, event("RUN_STOPPED", stamp(now), found.document.get("ExposurePercentage")))
        self._touch(application, definition, now, "IDLE")
        return found.document

    def rename_application(self, application, name):
        self._store.applications[application]["Name"] = name

    def delete_application(self, application):
        """Removes an application with everything in it."""
        store = self._store
        del store.applications[application]
        for children in (store.environments, store.profiles, store.definitions):
            del children[application]
        store.runs = {key: table for key, table in store.runs.items() if key[0] != application}

    def delete_environment(self, application, environment):
        """Removes an environment; definitions that use it stay, as archived ones do."""
        del self._store.environments[application][environment]

    def delete_profile(self, application, profile):
        del self._store.profiles[application][profile]

    def delete_definition(self, application, definition):
        """Removes a definition and its runs, as DeleteExperimentDefinition with DESTROY does."""
        del self._store.definitions[application][definition]
        del self._store.runs[application, definition]

    def put(self, kind, document):
        """Adds or replaces an application, environment, profile, definition or run by its whole document.

        Members that say where it belongs must be right; nothing else is checked.  A new run has no events.
        A text that was to be sent verbatim for it is forgotten.
        """
        if kind == "run":
            definition, number = (document["ApplicationId"], document["ExperimentDefinitionId"]), document["Run"]
            known = self._store.runs[definition].get(number)
            self._store.raw.pop(("run", *definition, number), None)
            self._store.runs[definition].put(number, Run(document, known.events if known else []))
        else:
            self._store.raw.pop((kind, document.get("ApplicationId"), document["Id"]), None)
            getattr(self._store, f"put_{kind}")(document)

    def put_raw_run(self, application, definition, run, text):
        """Sends `text` verbatim for this run.  If it is a JSON object, the run's list entry follows it."""
        table = self._store.runs[application, definition]
        known = table.get(run)
        document = {**_object(text, known.document if known else {}), "ApplicationId": application,
                    "ExperimentDefinitionId": definition, "Run": run}
        self._store.raw["run", application, definition, run] = text.encode()
        table.put(run, Run(document, known.events if known else []))

    def put_raw_definition(self, application, definition, text):
        """Sends `text` verbatim for this definition.  If it is a JSON object, its list entry follows it."""
        known = self._store.definitions[application].get(definition, {"Name": definition})
        self._store.raw["definition", application, definition] = text.encode()
        self._store.put_definition({"Name": known["Name"], **_object(text, known), "ApplicationId": application,
                                    "Id": definition})

    def put_events(self, application, definition, run, events):
        """Replaces a run's events, newest first."""
        self._run(application, definition, run).events = events

    def set_clock(self, seconds):
        """Sets how far the service's clock is ahead of the machine's."""
        self._clock_offset(seconds)


def _object(text, otherwise):
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return otherwise
    return document if isinstance(document, dict) else otherwise


class Control:
    """Answers control requests; `changed` is called with every change of the data.

    `actions` is an object whose public methods are actions as well.
    """

    def __init__(self, store, journal, faults, mutations, actions, changed):
        self._store = store
        self._changed = changed
        self._journal = journal
        self._faults = faults
        self._actions = {name: getattr(owner, name) for owner in (mutations, actions) for name in dir(owner)
                         if not name.startswith("_")}

    def answer(self, request):
        name = request.path.removeprefix(PREFIX)
        method = getattr(self, f"_{request.method.lower()}_{name}", None)
        if method is None:
            return _json(404, {"error": f"no control {request.method} {name}"})
        try:
            result = method(request)
        except (AttributeError, LookupError, TypeError, ValueError) as problem:
            return _json(400, {"error": f"{type(problem).__name__}: {problem}"})
        return _json(200, result)

    def _get_log(self, request):
        return self._journal.entries

    def _delete_log(self, request):
        entries = self._journal.entries
        self._journal.clear()
        return entries

    def _get_stats(self, request):
        return self._journal.stats()

    def _get_dump(self, request):
        out = io.StringIO()
        self._store.dump(out)
        return json.loads(out.getvalue())

    def _post_faults(self, request):
        self._faults.rules = [Rule(**rule) for rule in json.loads(request.body)]

    def _patch_faults(self, request):
        self._faults.rules += [Rule(**rule) for rule in json.loads(request.body)]

    def _delete_faults(self, request):
        self._faults.rules = []

    def _post_mutate(self, request):
        arguments = json.loads(request.body)
        action = arguments.pop("action")
        if action not in self._actions:
            raise ValueError(f"no action {action!r}")
        try:
            return self._actions[action](**arguments)
        finally:
            self._changed()


def _json(status, document):
    return Response(status, encode(document), [("Content-Type", "application/json")])
