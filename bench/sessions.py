#!/usr/bin/python3
"""What do many sessions of one account do to each other, and to its limits?

    sessions.py                       all of it, some 20 minutes
    sessions.py panels sync           some of it
    sessions.py --quick               small accounts, short times: whether it works, no figures to keep

    emulator    calls that the emulator answers in a second, over 32 connections: all else has to be far below
    panels      twelve panels of a dashboard at once, and twenty clients
    backends    32 backends that want far more than the limits
    newcomer    the first dashboard of a new connection, of a large account
    sync        what a BI tool asks to know the tables
    locks       what 32 backends wait for

Measures as bench.py does, on the server that PGHOST, PGPORT and PGUSER name, as a superuser, in a database of its own,
with emulators of its own, most of which have the account's limits: 100 Get and 10 List calls a second for all
connections together, and one second's worth at once.  Servers have the default options but where a table says otherwise.

Calls, throttles and moments are the emulator's; every answer is compared with the one of an emulator without limits.
"""

import argparse
import contextlib
import itertools
import os
import signal
import statistics
import sys
import threading
import time
from collections import Counter

import bench

GET_RATE, LIST_RATE = 100, 10           # calls per second
LIMITS = f"{GET_RATE},{LIST_RATE}"
BACKENDS = 32
FIRST = 3                               # seconds in which sessions may still find out what the limits are
DONE = "00000"
CUT_OFF = "57014"                       # SQLSTATE of statement_timeout
NO_PACING = {"max_get_rate": "0", "max_list_rate": "0"}
DATABASE = bench.DATABASE
TIME_LIMIT = 3000                       # seconds

#: Each measurement has a Region of its own: what sessions share about the limits of one has no bearing on the next.
REGIONS = itertools.cycle(f"{area}-{side}-{number}" for area in ("us", "eu", "ap") for side in ("east", "west", "south")
                          for number in range(1, 10))
SCHEMAS = (f"s{number}" for number in itertools.count(1))

#: A dashboard: what each panel asks.
PANELS = (
    ("runs by status", """
        SELECT status, count(*) FROM experiment_runs GROUP BY status"""),
    ("what is running", """
        SELECT application_name, experiment_definition_name, run, exposure_percentage, started_at
        FROM experiment_runs WHERE status = 'RUNNING'"""),
    ("starts a month", """
        SELECT date_trunc('month', started_at), count(*) FROM experiment_runs GROUP BY 1"""),
    ("the latest ten", """
        SELECT experiment_definition_id, run, status, exposure_percentage FROM experiment_runs
        ORDER BY started_at DESC, experiment_definition_id LIMIT 10"""),
    ("how long they took", """
        SELECT application_id, avg(ended_at - started_at) FROM experiment_runs WHERE status = 'DONE' GROUP BY 1"""),
    ("results", """
        SELECT experiment_definition_id, run, result_executive_summary FROM experiment_runs
        WHERE status = 'DONE' AND result_executive_summary IS NOT NULL"""),
    ("treatments that are running", """
        SELECT t.experiment_definition_id, t.run, t.treatment_key, t.weight
        FROM experiment_runs r JOIN treatments t USING (application_id, experiment_definition_id, run)
        WHERE r.status = 'RUNNING'"""),
    ("treatments a run", """
        SELECT n, count(*) FROM (SELECT experiment_definition_id, run, count(*) n FROM treatments GROUP BY 1, 2) a
        GROUP BY n"""),
    ("attribute values in use", """
        SELECT attribute_key, count(DISTINCT value), count(*) FROM attribute_values GROUP BY 1"""),
    ("colours that are running", """
        SELECT v.value, count(*)
        FROM experiment_runs r JOIN attribute_values v USING (application_id, experiment_definition_id, run)
        WHERE r.status = 'RUNNING' AND v.attribute_key = 'color' GROUP BY 1"""),
    ("events of what is running", """
        SELECT e.experiment_definition_id, e.run, e.event_type, e.occurred_at, e.exposure_percentage
        FROM experiment_runs r JOIN run_events e USING (application_id, experiment_definition_id, run)
        WHERE r.status = 'RUNNING'"""),
    ("definitions and their last run", """
        SELECT d.experiment_definition_id, d.status, max(r.run)
        FROM experiment_definitions d LEFT JOIN experiment_runs r USING (application_id, experiment_definition_id)
        GROUP BY 1, 2"""),
)


# ------------------------------------------------------------------------
# Sessions and accounts
# ------------------------------------------------------------------------

class Session(bench.Session):
    """A psql that goes on after errors, and tells what became of each statement."""

    def __init__(self, account, timeout):
        super().__init__()
        self._region = account.region
        self._settings = f"SET application_name = '{DATABASE}'; SET search_path = {account.schema}; " \
                         f"SET statement_timeout = '{timeout}s';"
        self.run(f"\\set ON_ERROR_STOP 0\n{self._settings}")

    def reconnect(self):
        """Goes on with a new backend."""
        self.run(f"\\connect -\n{self._settings}")

    def ask(self, query):
        """SQLSTATE, seconds, and what was printed: rows or the error."""
        began = time.monotonic()
        *lines, state = self.run(f"{query};\n\\echo :SQLSTATE")
        return state, time.monotonic() - began, lines

    def ask_digest(self, query):
        """The same, with a line in the place of the rows that is the same for the same rows, whatever their Region."""
        row = f"replace(q::text, '{self._region}', '')"
        return self.ask(f"SELECT count(*), md5(string_agg({row}, ' ' ORDER BY {row})) FROM ({query}) q")


class Account:
    """An emulator, and a schema with its tables."""

    def __init__(self, admin, data, *arguments, **options):
        self.schema, self.region = next(SCHEMAS), next(REGIONS)
        self._emulator = bench.Emulator("--data", data, "--region", "any", *arguments)
        try:
            bench.attach_as_is(admin, self.schema, self._emulator, region=self.region, **options)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._emulator.__exit__()

    def forget(self):
        self._emulator.forget()

    def calls(self):
        """The log since the last forget()."""
        return self._emulator.log()


def is_list(entry):
    return entry["operation"].startswith("List")


def is_throttled(entry):
    return entry.get("throttled", False)


def together(sessions, work):
    """work(session, number) in a thread for each, begun at once.  The results in order, and seconds until all are done."""
    results = [None] * len(sessions)
    start = threading.Barrier(len(sessions) + 1)

    def thread(number, session):
        start.wait()
        try:
            results[number] = work(session, number)
        except Exception as error:          # is raised by whoever waits for us
            results[number] = error

    threads = [threading.Thread(target=thread, args=each, daemon=True) for each in enumerate(sessions)]
    for each in threads:
        each.start()
    start.wait()
    began = time.monotonic()
    for each in threads:
        each.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results, time.monotonic() - began


def which(states):
    """How many errors of each SQLSTATE, in words."""
    errors = Counter(state for state in states if state != DONE)
    return ", ".join(f"{count} × {state}" for state, count in sorted(errors.items())) or "none"


class Errors:
    """A message for each SQLSTATE, for the notes."""

    def __init__(self):
        self._found = {}

    def add(self, answers):
        for state, _, lines in answers:
            if state not in (DONE, CUT_OFF):
                self._found.setdefault(state, " ".join(line.strip() for line in lines)[:500])

    def notes(self):
        return [f"{state}, for example: {message}" for state, message in sorted(self._found.items())]


def operations(calls):
    return ", ".join(f"{count} {name}" for name, count in sorted(Counter(call["operation"] for call in calls).items()))


# ------------------------------------------------------------------------
# What the emulator can
# ------------------------------------------------------------------------

def measure_emulator(admin, options):
    data, runs = "account:1,1,0,2000", range(1, 2001)
    rows = []
    for name, arguments in ("without limits", ()), ("with limits", ("--limits", LIMITS)):
        with bench.Emulator("--data", data, "--latency-ms", "1", *arguments) as emulator:
            urls = [f"{emulator.url}/applications/ap00001/experimentdefinitions/de00001/experimentruns/{run}"
                    for run in runs]
            for state in "first", "again":
                emulator.forget()
                _, wall, connects = bench.curl(urls, "-Z", "--parallel-immediate", "--parallel-max", str(BACKENDS),
                                               allow=("200", "429"))
                stats = emulator.stats()
                rows.append((name, state, connects, stats["peak_in_flight"], stats["requests"], stats["throttled"],
                             (stats["requests"] - stats["throttled"]) / wall, stats["requests"] / wall))
    bench.print_table(
        f"The emulator: GetExperimentRun by one curl over {BACKENDS} connections, 1 ms latency, signatures checked",
        ["again: its answers are made"],
        ["emulator", "", "connections", "peak in flight", "calls", "throttled", "200s a second", "calls a second"], rows)


# ------------------------------------------------------------------------
# 1. Panels
# ------------------------------------------------------------------------

def expected_panels(admin, data):
    """What the panels answer on an account without limits."""
    with Account(admin, data, **NO_PACING) as account, Session(account, 120) as session:
        answers = [session.ask_digest(query) for _, query in PANELS]
    if any(state != DONE for state, _, _ in answers):
        raise RuntimeError(f"panels that fail without limits: {answers}")
    return [lines for _, _, lines in answers]


def measure_panels(admin, options):
    timeout = 30 if options.quick else 300
    accounts = [(7, "account:2,7,28,4", 1 if options.quick else 3)]
    if not options.quick:
        accounts.append((60, "account:6,60,240,20", 1))
    rows, errors = [], Errors()
    for definitions, data, repetitions in accounts:
        expected = expected_panels(admin, data)
        for name, clients in [("twelve panels", 12)] * repetitions + [("twenty clients", 20)] * repetitions:
            with Account(admin, data, "--limits", LIMITS, "--latency-ms", str(bench.LATENCY)) as account, \
                    contextlib.ExitStack() as stack:
                sessions = [stack.enter_context(Session(account, timeout)) for _ in range(clients)]
                account.forget()
                answers, seconds = together(
                    sessions, lambda session, number: session.ask_digest(PANELS[number % len(PANELS)][1]))
                calls = account.calls()
            wrong = sum(state == DONE and lines != expected[number % len(PANELS)]
                        for number, (state, _, lines) in enumerate(answers))
            lists = sum(map(is_list, calls))
            throttled = sum(map(is_throttled, calls))
            lists_answered = sum(is_list(call) and not is_throttled(call) for call in calls)
            rows.append((name, definitions, which(state for state, _, _ in answers), wrong, seconds,
                         statistics.median(taken for _, taken, _ in answers), throttled, len(calls), lists,
                         len(calls) - lists,
                         max(lists_answered / LIST_RATE, (len(calls) - throttled - lists_answered) / GET_RATE)))
            errors.add(answers)
    bench.print_table(
        "1. Clients that begin at the same moment, each in a new connection with one query of a dashboard; "
        f"{GET_RATE} Get and {LIST_RATE} List a second, {bench.LATENCY} ms latency, default options",
        ["wrong: answers that differ from those of an account without limits; calls: attempts, throttled ones included",
         "least s: what the calls that were answered take at the limits' rates; statements are cut off (57014) after "
         f"{timeout} s", *errors.notes()],
        ["clients", "definitions", "errors", "wrong", "s until all are done", "median s", "throttles", "calls", "List", "Get",
         "least s"], rows)


# ------------------------------------------------------------------------
# 2. Backends
# ------------------------------------------------------------------------

#: For each backend an application of its own, so that the log tells whose a call is: 50 definitions of 20 running runs
#: each.  For a List there are 20 Gets, twice the limits' proportion: neither waits for lack of the other for long.
HUNGRY = f"account:{BACKENDS},{BACKENDS * 50},0,{BACKENDS * 50 * 20}"
HUNGRY_QUERY = "SELECT count(exposure_percentage) FROM experiment_runs WHERE application_id = 'ap{:05d}'"


def until(deadline, session, query, renew):
    """One statement after another, the last one cut off.  What became of them."""
    answers = []
    while (left := deadline - time.monotonic()) > 0.05:
        if renew:
            session.reconnect()
        session.run(f"SET statement_timeout = {int(left * 1000)};")
        answers.append(session.ask(query))
    return answers


def repeat(sessions, seconds, query, watch=None, renew=False):
    """All at once for so many seconds; query(number) is a session's.  What became of the statements."""
    deadline = time.monotonic() + seconds
    watcher = threading.Thread(target=watch, args=(deadline,), daemon=True) if watch else None
    if watcher:
        watcher.start()
    answers, _ = together(sessions, lambda session, number: until(deadline, session, query(number), renew))
    if watcher:
        watcher.join()
    return [answer for each in answers for answer in each]


def hunger(account, seconds, watch=None):
    """32 backends that are never satisfied: the answers, and the log."""
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(Session(account, seconds)) for _ in range(BACKENDS)]
        account.forget()
        answers = repeat(sessions, seconds, lambda number: HUNGRY_QUERY.format(number + 1), watch)
        return answers, [call for call in account.calls() if call["seconds"] < seconds]


def whose(call):
    """The application that a call names."""
    return call["target"].partition("/applications/")[2][:7] or call["target"].partition("application_identifier=")[2][:7]


def share(calls, rate, seconds):
    """Percent of a limit."""
    return 100 * len(calls) / (rate * seconds)


def measure_backends(admin, options):
    seconds, repetitions = (6, 1) if options.quick else (20, 3)
    rows, errors = [], Errors()
    for _ in range(repetitions):
        with Account(admin, HUNGRY, "--limits", LIMITS, "--latency-ms", str(bench.LATENCY)) as account:
            answers, calls = hunger(account, seconds)
        answered = [call for call in calls if call["status"] == 200]
        throttled = [call for call in calls if is_throttled(call)]
        lists = [call for call in answered if is_list(call)]
        gets = [call for call in answered if not is_list(call)]
        late = [[call for call in each if call["seconds"] >= FIRST] for each in (gets, lists, throttled)]
        each = [Counter(map(whose, of)) for of in (gets, lists)]
        fewest = [min(count[f"ap{number:05d}"] for number in range(1, BACKENDS + 1)) for count in each]
        states = [state for state, _, _ in answers if state != CUT_OFF]
        rows.append((which(states), share(gets, GET_RATE, seconds), share(late[0], GET_RATE, seconds - FIRST),
                     share(lists, LIST_RATE, seconds), share(late[1], LIST_RATE, seconds - FIRST),
                     len(throttled) - len(late[2]), len(late[2]),
                     f"{fewest[0]}/{max(each[0].values(), default=0)}", f"{fewest[1]}/{max(each[1].values(), default=0)}",
                     len(calls)))
        errors.add(answers)
    bench.print_table(
        f"2. {BACKENDS} backends that want far more than the limits for {seconds} s; {GET_RATE} Get and {LIST_RATE} List "
        f"a second, {bench.LATENCY} ms latency, default options",
        ["%: calls answered, of what the rate allows in that time; the service allows one second's worth more at the start",
         "fewest/most: calls answered for a backend; statements that the end of the time cut off are no errors; "
         "after an error the backend asks again", *errors.notes()],
        ["errors", "Get %", f"after {FIRST} s", "List %", f"after {FIRST} s", f"throttles in {FIRST} s", "after",
         "Gets fewest/most", "Lists fewest/most", "calls"], rows)


# ------------------------------------------------------------------------
# 3. A new connection
# ------------------------------------------------------------------------

DASHBOARD = """SELECT status, count(*), avg(exposure_percentage), count(result_executive_summary) FROM experiment_runs
    GROUP BY status"""


def measure_newcomer(admin, options):
    definitions, done, running = (20, 200, 5) if options.quick else (500, 5000, 20)
    rows, results = [], set()
    with Account(admin, f"account:10,{definitions},{done},{running}", "--latency-ms", "5", **NO_PACING) as account, \
            contextlib.ExitStack() as stack:
        first, second = (stack.enter_context(Session(account, 300)) for _ in range(2))
        for name, session in (("first connection", first), ("the same again", first), ("second connection", second),
                              ("the same again", second)):
            account.forget()
            state, seconds, lines = session.ask_digest(DASHBOARD)
            calls = account.calls()
            lists = sum(map(is_list, calls))
            rows.append((name, which([state]), len(calls), lists, len(calls) - lists, seconds,
                         max(lists / LIST_RATE, (len(calls) - lists) / GET_RATE), operations(calls)))
            results.add(tuple(lines))
    if len(results) != 1:
        raise RuntimeError(f"they differ: {results}")
    bench.print_table(
        f"3. A dashboard over {definitions} definitions with {done} done and {running} running runs, by two connections one "
        "after the other; no limits, 5 ms latency",
        ["default options but for the rates, which are off; s at the rates: what these calls take at "
         f"{GET_RATE} Get and {LIST_RATE} List a second"],
        ["", "errors", "calls", "List", "Get", "s", "s at the rates", "which calls"], rows)


# ------------------------------------------------------------------------
# 4. A sync
# ------------------------------------------------------------------------

def sync_queries(admin, schema):
    """What a BI tool asks when it gets to know tables: a sample of each one's texts, and each column's values."""
    columns = {}
    for line in admin.run(f"""
            SELECT format('%s %s %s', c.relname, a.attname, a.atttypid::regtype)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
            WHERE c.relnamespace = '{schema}'::regnamespace AND c.relkind = 'f' ORDER BY c.relname, a.attnum;"""):
        table, column, kind = line.split(" ", 2)
        columns.setdefault(table, []).append((column, kind))
    for table, members in columns.items():
        sample = ", ".join(f"substring({column} FROM 1 FOR 1234) AS {column}" if kind == "text" else column
                           for column, kind in members)
        yield table, f"SELECT {sample} FROM {table} LIMIT 10000"
    for table, members in columns.items():
        for column, _ in members:
            yield table, f"SELECT {column} FROM {table} GROUP BY {column} ORDER BY {column} LIMIT 1001"


def measure_sync(admin, options):
    data, limit = ("account:1,2,2,1", 60) if options.quick else ("account:2,7,28,4", 300)
    with Account(admin, data, **NO_PACING) as account, Session(account, 120) as session:
        queries = list(sync_queries(admin, account.schema))
        expected = [session.ask_digest(query)[2] for _, query in queries]
    rows, errors = [], Errors()
    for ttl in "0", "10min":
        with Account(admin, data, "--limits", LIMITS, "--latency-ms", str(bench.LATENCY), cache_ttl=ttl) as account, \
                Session(account, limit) as session:
            account.forget()
            deadline = time.monotonic() + limit
            answers, right = [], []
            for (_, query), rows_expected in zip(queries, expected):
                if time.monotonic() > deadline:
                    break
                answers.append(session.ask_digest(query))
                right.append(answers[-1][0] != DONE or answers[-1][2] == rows_expected)
            calls = account.calls()
            lists = sum(map(is_list, calls))
        taken = [seconds for _, seconds, _ in answers]
        rows.append((ttl, f"{len(answers)} of {len(queries)}", which(state for state, _, _ in answers),
                     right.count(False), len(calls), lists, len(calls) - lists, sum(map(is_throttled, calls)), sum(taken),
                     statistics.median(taken), max(taken)))
        errors.add(answers)
    applications, definitions, done, running = map(int, data.partition(":")[2].split(","))
    bench.print_table(
        f"4. A sync by a BI tool, in one connection: a sample of each table, then the values of each column; {applications} "
        f"applications, {definitions} definitions, {done + running} runs; {GET_RATE} Get and {LIST_RATE} List a second, "
        f"{bench.LATENCY} ms latency",
        ["default options but for cache_ttl; wrong: answers that differ from those of an account without limits; no new "
         f"statement after {limit} s", *errors.notes()],
        ["cache_ttl", "statements", "errors", "wrong", "calls", "List", "Get", "throttles", "s", "median s", "longest s"],
        rows)


# ------------------------------------------------------------------------
# 5. Waiting
# ------------------------------------------------------------------------

class Watch:
    """Samples what the sessions wait for, until a deadline."""

    def __init__(self):
        self.seen = Counter()
        self.samples = 0

    def __call__(self, deadline):
        with bench.Session() as session:
            while time.monotonic() < deadline - 0.1:
                lines = session.run(f"""
                    SELECT coalesce(wait_event_type || ' ' || wait_event, 'running'), count(*) FROM pg_stat_activity
                    WHERE application_name = '{DATABASE}' AND state = 'active' GROUP BY 1;""")
                for line in lines:
                    what, _, count = line.rpartition("|")
                    self.seen[what] += int(count)
                self.samples += 1
                time.sleep(0.01)

    def rows(self, load):
        total = sum(self.seen.values())
        locks = sum(count for what, count in self.seen.items() if what.startswith("LWLock"))
        yield load, "LWLock, all", locks, 100 * locks / max(total, 1)
        for what, count in self.seen.most_common(10):
            yield load, what, count, 100 * count / total


def measure_locks(admin, options):
    seconds = 4 if options.quick else 20
    rows, notes = [], []
    watch = Watch()
    with Account(admin, HUNGRY, "--limits", LIMITS, "--latency-ms", str(bench.LATENCY)) as account:
        _, calls = hunger(account, seconds, watch)
    rows += watch.rows("limits")
    notes.append(f"limits: as in 2; {len(calls)} calls, {watch.samples} samples")
    for load, renew, description in (
            ("copies", False, "each goes on in its session"), ("newcomers", True, "each statement in a new connection")):
        watch = Watch()
        with Account(admin, "account:2,20,200,10", **NO_PACING, cache_ttl="10min") as account, \
                contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(Session(account, 60)) for _ in range(BACKENDS)]
            account.forget()
            answers = repeat(sessions, seconds, lambda _: DASHBOARD, watch, renew)
            calls = account.calls()
        rows += watch.rows(load)
        statements = sum(state == DONE for state, _, _ in answers)
        notes.append(f"{load}: all read the same 210 runs again and again, {description}; cache_ttl '10min', no limits; "
                     f"{len(calls)} calls, {statements} statements, {watch.samples} samples")
    bench.print_table(
        f"5. What {BACKENDS} backends wait for: pg_stat_activity, sampled for {seconds} s of each load",
        ["%: of the samples of active backends", *notes],
        ["load", "waits for", "samples", "%"], rows)


# ------------------------------------------------------------------------

PARTS = {"emulator": measure_emulator, "panels": measure_panels, "backends": measure_backends,
         "newcomer": measure_newcomer, "sync": measure_sync, "locks": measure_locks}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS) + "; default: all")
    parser.add_argument("--quick", action="store_true", help="small accounts, short times")
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGALRM, bench.out_of_time)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    signal.alarm(TIME_LIMIT)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(bench.Session("postgres"))
        version, = postgres.run("SHOW server_version;")
        print(f"appconfig_fdw on PostgreSQL {version}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
        postgres.run(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE);\n"
                     f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';")
        stack.callback(postgres.run, f"DROP DATABASE {DATABASE} WITH (FORCE);")
        admin = stack.enter_context(bench.Session())
        admin.run("CREATE EXTENSION appconfig_fdw;")
        for part, measure in PARTS.items():
            if not options.parts or part in options.parts:
                measure(admin, options)
                print(f"  load {os.getloadavg()[0]:.1f} after")
    print(f"\n{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
