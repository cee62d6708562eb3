#!/usr/bin/python3
"""How many calls, how much time and how much memory do queries take?

    bench.py            all of it, a few minutes
    bench.py --quick    few repetitions
    bench.py --long     also a full read of 100 000 runs

Measures on the server that PGHOST, PGPORT and PGUSER name, as a superuser, in a database of its own, with emulators of
AWS AppConfig of its own on the loopback interface.  The extension must be installed there, and the server must run on
this machine.  Needs psql, curl and python3-botocore (for the emulator), nothing else.

Calls are counted by the emulator, and stand beside the fewest that could have done.  Times and memory differ from
machine to machine; what they are compared with is therefore measured in the same run, by turns with them.
"""

import argparse
import contextlib
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
DATABASE = "appconfig_fdw_bench"
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"     # the emulator knows them
ENVIRONMENT = dict(os.environ, LC_ALL="C.UTF-8", PGTZ="UTC", PGCLIENTENCODING="UTF8",
                   PGOPTIONS="-c client_min_messages=warning -c statement_timeout=900s")
LATENCY = 20            # milliseconds
CONCURRENCY = 16        # calls in flight; also the extension's default
STATEMENT_ENDS = "-- statement ends --"
TIME_LIMIT, LONG_TIME_LIMIT = 1200, 3600      # seconds


# ------------------------------------------------------------------------
# The emulator, psql and curl
# ------------------------------------------------------------------------

class Emulator:
    """An emulator in a process of its own, which ends with ours."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, TOP / "test/emulator/emulator.py", "--parent-pid", str(os.getpid()), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the emulator did not start")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()

    def _control(self, method, name):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"{self.url}/_emulator/{name}", method=method), timeout=60) as answer:
            return json.load(answer)

    def forget(self):
        self._control("DELETE", "log")

    def stats(self):
        """Counters since the last forget()."""
        return self._control("GET", "stats")

    def log(self):
        """The requests since then."""
        return self._control("GET", "log")

    def urls(self, operation):
        """What was asked for since then, sorted."""
        return sorted(self.url + entry["target"] for entry in self.log() if entry["operation"] == operation)


class Session:
    """A psql, and so a backend, that runs one text after another."""

    def __init__(self, database=DATABASE):
        self._process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database], env=ENVIRONMENT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        if kind is not None:
            self._process.terminate()       # it may be waiting; the backend goes with the database
        self._process.communicate()

    def run(self, sql):
        """The lines that psql prints."""
        lines = []
        try:
            self._process.stdin.write(f"{sql}\n\\echo {STATEMENT_ENDS}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self._process.stdout:
            line = line.rstrip("\n")
            if line == STATEMENT_ENDS:
                return lines
            lines.append(line)
        raise RuntimeError("psql: " + "\n".join(lines))

    def timed(self, sql):
        """Milliseconds of each statement, by psql's clock, and the other lines."""
        times, others = [], []
        for line in self.run(f"\\timing on\n{sql}\n\\timing off"):
            match = re.match(r"Time: ([0-9.]+) ms", line)
            if match:
                times.append(float(match[1]))
            else:
                others.append(line)
        return times, others

    def memory(self):
        """Member → kB, of the backend."""
        pid, = self.run("SELECT pg_backend_pid();")
        return {name: int(size) for name, size in
                re.findall(r"^(\w+):\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)}


def curl(urls, *options, allow=("200",)):
    """One curl for all URLs.  Seconds of each in order, and of all as we see it; the signatures are made by curl.

    Answers with a status other than the allowed ones are an error.
    """
    config = "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls)
    command = ["curl", "-q", "-sS", "--no-progress-meter", "--noproxy", "*", "--max-time", "60",
               "--aws-sigv4", "aws:amz:us-east-1:appconfig", "--user", f"{KEY}:{SECRET}",
               "-w", "%{http_code} %{num_connects} %{time_total}\\n", *options, "-K", "-"]
    start = time.monotonic()
    done = subprocess.run(command, input=config, env=ENVIRONMENT, text=True, check=True, stdout=subprocess.PIPE)
    wall = time.monotonic() - start
    answers = [line.split() for line in done.stdout.splitlines()]
    bad = [code for code, _, _ in answers if code not in allow]
    if bad or len(answers) != len(urls):
        raise RuntimeError(f"curl: {len(answers)} answers for {len(urls)} URLs, bad ones: {bad[:3]}")
    connects = sum(int(number) for _, number, _ in answers)
    return [float(seconds) for _, _, seconds in answers], wall, connects


def attach(session, schema, emulator, **options):
    """A schema with the tables of an emulator.  Without pacing, unless the options say otherwise."""
    attach_as_is(session, schema, emulator, **{"max_get_rate": "0", "max_list_rate": "0",
                                               "max_concurrency": str(CONCURRENCY), **options})


def attach_as_is(session, schema, emulator, region="us-east-1", **options):
    """The same with the extension's own defaults."""
    more = "".join(f", {name} '{value}'" for name, value in options.items())
    session.run(f"""
        CREATE SERVER {schema} FOREIGN DATA WRAPPER appconfig_fdw
            OPTIONS (region '{region}', endpoint '{emulator.url}'{more});
        CREATE USER MAPPING FOR CURRENT_USER SERVER {schema}
            OPTIONS (access_key_id '{KEY}', secret_access_key '{SECRET}');
        CREATE SCHEMA {schema};
        IMPORT FOREIGN SCHEMA appconfig FROM SERVER {schema} INTO {schema};""")


# ------------------------------------------------------------------------
# Printing
# ------------------------------------------------------------------------

def print_table(title, notes, head, rows):
    """Numbers to the right, texts to the left."""
    cells = [head, *([text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    left = [all(isinstance(row[column], str) for row in rows) for column in range(len(head))]
    print(f"\n{title}\n")
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) if to_left else cell.rjust(width)
                               for cell, width, to_left in zip(row, widths, left)).rstrip())
        if row is head:
            print("  " + "  ".join("-" * width for width in widths))
    for note in notes:
        print(f"  {note}")
    sys.stdout.flush()


def text(cell):
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.2f}" if cell < 10 else f"{cell:.1f}"
    return str(cell)


# ------------------------------------------------------------------------
# 1. Calls
# ------------------------------------------------------------------------

#: Of the data set "standard": what is asked, the fewest calls, how many of these must wait for one another
#: (with CONCURRENCY in flight), and the query.  A list has pages of 50.
QUERIES = (
    ("one run by its keys", 1, 1, """
        SELECT status, exposure_percentage, hypothesis FROM calls.experiment_runs
        WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 2"""),
    ("20 runs by IN", 20, 2, f"""
        SELECT run, exposure_percentage FROM calls.experiment_runs
        WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x'
          AND run IN ({', '.join(map(str, range(1, 21)))})"""),
    ("120 runs, columns of the list", 3, 3, """
        SELECT run, status, started_at FROM calls.experiment_runs
        WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x'"""),
    ("count of all runs of the account", 13, 4, """
        SELECT count(*) FROM calls.experiment_runs"""),
    ("one run by names", 2, 2, """
        SELECT run, status, exposure_percentage FROM calls.experiment_runs
        WHERE application_name = 'storefront' AND experiment_definition_name = 'add-to-cart-button' AND run = 2"""),
    ("events of a run", 1, 1, """
        SELECT occurred_at, event_type, triggered_by, exposure_percentage FROM calls.run_events
        WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3
        ORDER BY occurred_at"""),
    ("treatments of 3 runs that 300 local rows name", 3, 1, """
        SELECT t.experiment_definition_id, t.run, t.treatment_key, t.weight, count(*)
        FROM assignments a
        JOIN calls.treatments t
             ON t.application_id = a.application_id AND t.experiment_definition_id = a.experiment_definition_id
            AND t.run = a.experiment_run_number::int AND t.treatment_key = appconfig_treatment_key(a.treatment_key)
        GROUP BY 1, 2, 3, 4"""),
    ("the 17 running ones of 120 runs", 21, 4, """
        SELECT experiment_definition_id, run, exposure_percentage FROM calls.experiment_runs
        WHERE application_id = 'app120x' AND status = 'RUNNING'"""),
    ("definitions of an environment", 1, 1, """
        SELECT experiment_definition_id, experiment_definition_name, status FROM calls.experiment_definitions
        WHERE application_id = 'shop4x1' AND environment_id = 'prod7e2'"""),
    ("the latest 3 of an application's 6 runs", 7, 3, """
        SELECT experiment_definition_id, run, exposure_percentage FROM calls.experiment_runs
        WHERE application_id = 'shop4x1' ORDER BY started_at DESC LIMIT 3"""),
    ("all definitions, columns of the list", 1, 1, """
        SELECT application_id, experiment_definition_id, experiment_definition_name, status
        FROM calls.experiment_definitions"""),
    ("attribute values of a run", 1, 1, """
        SELECT treatment_key, attribute_key, value FROM calls.attribute_values
        WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3"""),
    ("one run with its application's name", 2, 1, """
        SELECT application_name, run, exposure_percentage FROM calls.experiment_runs
        WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3"""),
)

#: Opens a connection and leaves nothing in the session that a query here could use.
CALLS_WARM_UP = """
    SELECT exposure_percentage FROM calls.experiment_runs
    WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;"""


def measure_calls(admin, options):
    repetitions = 2 if options.quick else 5
    rows = []
    with Emulator("--data", "standard", "--latency-ms", str(LATENCY)) as emulator:
        attach(admin, "calls", emulator)
        admin.run("""
            CREATE TABLE assignments AS
            SELECT 'shop4x1' AS application_id, d AS experiment_definition_id, r AS experiment_run_number,
                   (ARRAY['__c__', '__t1__'])[1 + n % 2] AS treatment_key
            FROM (VALUES ('addcrt1', '2'), ('addcrt1', '3'), ('chkout2', '2')) runs (d, r), generate_series(1, 100) n;
            ANALYZE assignments;""")
        for name, fewest, waits, query in QUERIES:
            times, calls, peaks = [], set(), set()
            for _ in range(repetitions):
                with Session() as session:      # a new one, since a session keeps runs that are done
                    session.run(CALLS_WARM_UP)
                    emulator.forget()
                    (milliseconds,), lines = session.timed(query + ";")
                    stats = emulator.stats()
                times.append(milliseconds)
                calls.add(stats["requests"])
                peaks.add(stats["peak_in_flight"])
            which = ", ".join(f"{count} {operation}" for operation, count in sorted(stats["operations"].items()))
            rows.append((name, len(lines), "/".join(map(str, sorted(calls))).rjust(5), fewest, max(peaks),
                         statistics.median(times), waits * LATENCY, which))
    print_table(
        f"1. Calls of a query beside the fewest that could answer it, counted by the emulator; {LATENCY} ms latency",
        [f"ms: median of {repetitions}, each in a new session after one look-up of another run",
         f"least ms: the calls that must wait for one another, with {CONCURRENCY} in flight, at {LATENCY} ms"],
        ["query", "rows", "calls", "fewest", "peak in flight", "ms", "least ms", "which calls"], rows)


# ------------------------------------------------------------------------
# 2. A look-up beside curl
# ------------------------------------------------------------------------

def measure_lookup(admin, options):
    batches, size = (1, 60) if options.quick else (3, 100)
    look_up = """SELECT exposure_percentage FROM lookup.experiment_runs WHERE application_id = 'shop4x1' """ \
              """AND experiment_definition_id = 'addcrt1' AND run = 2;"""
    in_loop = f"""
        CREATE TEMP TABLE taken (ms float8);
        DO $do$
        DECLARE
            began timestamptz;
            exposure float8;
        BEGIN
            FOR n IN 1..{size} LOOP
                began := clock_timestamp();
                {look_up.replace("exposure_percentage", "exposure_percentage INTO STRICT exposure", 1)}
                INSERT INTO taken VALUES (extract(epoch FROM clock_timestamp() - began) * 1000);
            END LOOP;
        END
        $do$;
        SELECT ms FROM taken;
        DROP TABLE taken;"""
    times = {name: [] for name in ("curl", "process", "psql", "loop", "nothing")}
    with Emulator("--data", "standard", "--no-verify") as emulator, Session() as session:
        attach(admin, "lookup", emulator)
        session.run(look_up * 20)
        emulator.forget()
        session.run(look_up)
        url, = emulator.urls("GetExperimentRun")
        for _ in range(batches):
            emulator.forget()
            times["psql"] += session.timed("\n".join([look_up] * size))[0]
            times["loop"] += map(float, session.run(in_loop))
            calls = emulator.stats()
            if calls["operations"] != {"GetExperimentRun": 2 * size} or calls["connections"] > 0:
                raise RuntimeError(f"unexpected calls: {calls}")
            _, start, _ = curl([url])
            seconds, wall, connects = curl([url] * (size + 1))
            if connects != 1:
                raise RuntimeError(f"curl made {connects} connections")
            times["curl"] += [1000 * one for one in seconds[1:]]       # the first one connects
            times["process"].append(1000 * (wall - start) / size)
            times["nothing"] += session.timed("\n".join(["SELECT 1;"] * size))[0]
    base = statistics.median(times["curl"])
    rows = []
    for key, name in (("curl", "curl: time_total of the same URL"),
                      ("process", "curl: wall time a request, without its start"),
                      ("psql", "psql: \\timing of the look-up, planned each time"),
                      ("loop", "the look-up in a PL/pgSQL loop, planned once"),
                      ("nothing", "psql: \\timing of SELECT 1")):
        middle = statistics.median(times[key])
        low, *_, high = statistics.quantiles(times[key], n=20) if len(times[key]) >= 20 else (None, None)
        rows.append((name, len(times[key]), middle, low, high, middle / base))
    print_table(
        "2. A warm look-up of one run (a GetExperimentRun over a kept connection, signed) beside curl's, no latency",
        [f"in turns, {batches} x {size}; curl: a process and a connection a turn, without the request that connects",
         "curl neither plans nor parses the document"],
        ["what", "times", "median ms", "5 %", "95 %", "of curl's"], rows)


# ------------------------------------------------------------------------
# 3. Many calls beside curl
# ------------------------------------------------------------------------

def measure_many(admin, options):
    total, repetitions = 2000, 1 if options.quick else 3
    definitions = math.ceil(total / 1000)
    by_keys = f"""
        SELECT count(*), sum(length(r.experiment_definition_snapshot::text)) FROM many.experiment_runs r
        WHERE application_id = 'scale01' AND experiment_definition_id IN ({
            ', '.join(f"'sc{number:05d}'" for number in range(1, definitions + 1))})
          AND run = ANY (ARRAY(SELECT generate_series(1, {total // definitions})))"""
    all_of_it = """
        SELECT count(*), sum(length(r.experiment_definition_snapshot::text)) FROM many.experiment_runs r
        WHERE application_id = 'scale01'"""
    measured = {name: [] for name in ("keys", "all", "curl")}
    calls, peaks = {}, {}
    with Emulator("--data", f"scale:{total}", "--latency-ms", str(LATENCY), "--no-verify") as emulator:
        attach(admin, "many", emulator)

        def note(name, seconds):
            stats = emulator.stats()
            measured[name].append(seconds)
            calls[name], peaks[name] = stats["requests"], stats["peak_in_flight"]

        for _ in range(repetitions):
            for name, query in (("keys", by_keys), ("all", all_of_it)):
                with Session() as session:
                    session.run("SELECT count(*) FROM appconfig_fdw_stats();")      # loads the library
                    emulator.forget()
                    (milliseconds,), (answer,) = session.timed(query + ";")
                if not answer.startswith(f"{total}|"):
                    raise RuntimeError(f"{total} runs were expected: {answer}")
                note(name, milliseconds / 1000)
            urls = emulator.urls("GetExperimentRun")
            emulator.forget()
            _, wall, _ = curl(urls, "--parallel", "--parallel-immediate", "--parallel-max", str(CONCURRENCY))
            note("curl", wall)
    base = statistics.median(measured["curl"])
    rows = []
    for key, name in (("keys", "query by keys: the documents"),
                      ("all", "query by application: lists, then the documents"),
                      ("curl", f"curl --parallel-max {CONCURRENCY}: the documents")):
        seconds = statistics.median(measured[key])
        ideal = calls[key] / CONCURRENCY * LATENCY / 1000
        rows.append((name, calls[key], peaks[key], seconds, ideal, seconds / ideal, seconds / base))
    print_table(
        f"3. {total} runs at {LATENCY} ms latency, max_concurrency {CONCURRENCY}, no pacing, beside the ideal and curl",
        [f"median of {repetitions}, in turns; ideal: calls / {CONCURRENCY} x {LATENCY} ms"],
        ["what", "calls", "peak in flight", "s", "ideal s", "of ideal", "of curl's"], rows)


# ------------------------------------------------------------------------
# 4. Memory
# ------------------------------------------------------------------------

def measure_memory_of_lookups(admin, options):
    look_ups = 2000 if options.quick else 10000
    rows = []
    with Emulator("--data", "scale:1000", "--no-verify") as emulator, Session() as session:
        attach(admin, "repeated", emulator)

        def look_up(times):
            """So many statements, each for another run."""
            for first in range(1, times + 1, 500):
                session.run("\n".join(f"""
                    SELECT exposure_percentage FROM repeated.experiment_runs WHERE application_id = 'scale01'
                    AND experiment_definition_id = 'sc00001' AND run = {1 + number % 1000};"""
                                      for number in range(first, min(first + 500, times + 1))))

        emulator.forget()
        look_up(200)
        done, before = 200, session.memory()
        rows.append((done, before["VmRSS"], before["RssAnon"], before["VmHWM"], None))
        for more in look_ups // 2, look_ups - look_ups // 2:
            look_up(more)
            done, now = done + more, session.memory()
            rows.append((done, now["VmRSS"], now["RssAnon"], now["VmHWM"], now["VmRSS"] - before["VmRSS"]))
        calls = emulator.stats()["requests"]
    print_table(
        f"4a. Memory of one backend over {look_ups} look-ups (kB), beside that after 200",
        [f"each a statement of its own, for one run of 1000 in turn; calls: {calls}"],
        ["look-ups", "VmRSS", "RssAnon", "VmHWM", "VmRSS more"], rows)


def measure_memory_of_reads(admin, options):
    rows = []
    for total in (1000, 10000, 100000) if options.long else (1000, 10000):
        with Emulator("--data", f"scale:{total}", "--no-verify") as emulator:
            for cache_size in "0", "16MB":
                schema = f"read{total}_{cache_size}"
                attach(admin, schema, emulator, cache_size=cache_size)
                with Session() as session:
                    session.run(f"""
                        SELECT r::text FROM {schema}.experiment_runs r WHERE application_id = 'scale01'
                        AND experiment_definition_id = 'sc00001' AND run = 1;""")
                    before = session.memory()
                    emulator.forget()
                    (milliseconds,), (answer,) = session.timed(f"""
                        SELECT count(*), sum(length(r::text)) FROM {schema}.experiment_runs r
                        WHERE application_id = 'scale01';""")
                    after = session.memory()
                if not answer.startswith(f"{total}|"):
                    raise RuntimeError(f"{total} runs were expected: {answer}")
                rows.append((total, cache_size.rjust(10), emulator.stats()["requests"], milliseconds / 1000,
                             before["VmRSS"], after["VmRSS"], after["VmHWM"], after["VmHWM"] - before["VmHWM"]))
    print_table(
        "4b. Memory of one backend over a full read of all columns (kB), beside that after one look-up; no latency",
        ["cache_size: what a session may keep of done runs; 16MB is the default",
         "s includes the emulator's own work"],
        ["runs", "cache_size", "calls", "s", "VmRSS before", "VmRSS after", "VmHWM after", "VmHWM more"], rows)


def measure_memory_of_joins(admin, options):
    rows = []
    for total in (1000, 10000, 100000) if options.long else (1000, 10000):
        with Emulator("--data", f"scale:{total}", "--no-verify") as emulator:
            schema = f"join{total}"
            attach(admin, schema, emulator, cache_size="0")
            for other in "treatment_overrides", "treatments":
                with Session() as session:
                    session.run(f"SELECT count(*) FROM {schema}.applications;")
                    before = session.memory()
                    emulator.forget()
                    (milliseconds,), _ = session.timed(f"""
                        SELECT count(r.exposure_percentage), count(*) FROM {schema}.experiment_runs r
                        JOIN {schema}.{other} o USING (application_id, experiment_definition_id, run);""")
                    after = session.memory()
                stats = emulator.stats()
                if stats["operations"]["GetExperimentRun"] not in (total, total + 1):
                    raise RuntimeError(f"{total} documents were expected, each once: {stats}")
                rows.append((total, other, stats["requests"], milliseconds / 1000, before["VmHWM"], after["VmHWM"],
                             after["VmHWM"] - before["VmHWM"]))
    print_table(
        "4c. Memory of one backend over a join of all runs with another table (kB), work_mem 4MB; no latency",
        ["each document is fetched once and shared; beyond work_mem in a temporary file; cache_size 0",
         "the join's own hash table is in it"],
        ["runs", "joined with", "calls", "s", "VmHWM before", "VmHWM after", "VmHWM more"], rows)


# ------------------------------------------------------------------------

def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="few repetitions")
    extent.add_argument("--long", action="store_true", help="also a full read of 100 000 runs")
    return parser.parse_args()


def out_of_time(*_):
    raise TimeoutError("out of time")


def main():
    options = parse_arguments()
    signal.signal(signal.SIGALRM, out_of_time)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    signal.alarm(LONG_TIME_LIMIT if options.long else TIME_LIMIT)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(Session("postgres"))
        version, = postgres.run("SHOW server_version;")
        curl_version = subprocess.run(["curl", "-q", "--version"], stdout=subprocess.PIPE, text=True, check=True)
        print(f"appconfig_fdw on PostgreSQL {version}, {' '.join(curl_version.stdout.split()[:2])}; "
              f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
        print("The service is an emulator on the loopback interface; max_get_rate and max_list_rate are off.")
        postgres.run(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE);\n"
                     f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';")
        stack.callback(postgres.run, f"DROP DATABASE {DATABASE} WITH (FORCE);")
        admin = stack.enter_context(Session())
        admin.run("CREATE EXTENSION appconfig_fdw;")
        measure_calls(admin, options)
        measure_lookup(admin, options)
        measure_many(admin, options)
        measure_memory_of_lookups(admin, options)
        measure_memory_of_reads(admin, options)
        measure_memory_of_joins(admin, options)
    print(f"\n{time.monotonic() - began:.0f} s in all, load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
