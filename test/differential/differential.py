#!/usr/bin/python3
"""Random queries three ways: pushdown on, pushdown off, over local copies; and under a limit of calls.  See README.md."""

import argparse
import contextlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
import traceback
from collections import Counter

import psycopg2

import account as accounts
import budget
import features
import joined
import minimum
import queries
import world as worlds

#: Collations that contradict each other are an error only where some row is compared, which is the plan's business.
PLAN_DEPENDENT = "42P22"
#: Settings that have another name in newer versions of PostgreSQL.
RENAMED = {"force_parallel_mode": "debug_parallel_query"}
#: Of a hundred queries, those whose minimum of calls is known.
SHARE = 30
#: Seconds for a query without pushdown: a nested loop may read the whole account thousands of times over.
PATIENCE = 15
#: The emulator's data set that holds what there is to go wrong.
DATA = "nasty"
#: One query in so many asks the emulator for the whole account without pushdown; the others read what the session has kept.
UNKEPT = 47
#: One query in so many is run in a transaction that sees one state as well, and once more after itself.
TRANSACTIONS = 5
#: One query in so many has its plan looked at, for what the last lines tell.
EXPLAINED = 7
#: A line of progress each time that so many queries are done.
PROGRESS = 5000
#: So many queries have to have every kind of features.py.
ENOUGH = 2000


class Mismatch(Exception):
    """What is wrong, in words."""


# ---------------------------------------------------------------------------------------------------
# One query
# ---------------------------------------------------------------------------------------------------

class Runner:
    """Runs queries in a worker's database."""

    def __init__(self, database, emulator):
        self.database = database
        self.emulator = emulator
        self.sessions = {}
        self.counts = Counter()
        self.features = Counter()
        self.plans = Counter()
        self.show_errors = False
        self.parameters = set()     # names of all settings, once asked for
        self.seed = ""

    def session(self, mode):
        # without pushdown in a session of its own: what that has seen must not make up for mistakes
        name = mode if mode in ("on", "transaction") else "other"
        if name not in self.sessions:
            self.sessions[name] = worlds.connect(self.database)
        return self.sessions[name]

    def close(self):
        for session in self.sessions.values():
            session.close()
        self.sessions = {}

    def run(self, query, mode, schema, limit=True):
        """The results of the query's statements and the calls of each; an SQLSTATE instead of results."""
        session = self.session(mode)
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ" if mode == "transaction" else "BEGIN"
        results, calls = [], []
        settings = [f"search_path = {schema}, public", *self.known(query.settings)]
        if mode == "off":
            settings += ["appconfig_fdw.enable_pushdown = off", f"statement_timeout = {PATIENCE * 1000}"]
        try:
            worlds.execute(session, "; ".join([begin, *(f"SET LOCAL {setting}" for setting in settings)]))
            if mode == "transaction" and query.kind not in ("prepared", "cursor"):
                for _, statement in query.statements(limit):
                    worlds.execute(session, statement)
            if mode == "on":
                self.emulator.calls()
            for counts, statement in query.statements(limit):
                rows = worlds.execute(session, statement)
                if counts:
                    results.append(rows)
                    if mode == "on" and query.kind != "cursor":
                        calls.append(self.emulator.calls(settle=query.kind == "prepared"))
            if mode == "on" and query.kind == "cursor":
                calls.append(self.emulator.calls())
        except psycopg2.Error as problem:
            results = [f"{problem.pgcode} {problem.diag.message_primary or problem}"]
            if session.closed or problem.pgcode is None:
                self.close()
                return results, calls
        worlds.execute(session, "ROLLBACK; DEALLOCATE ALL" if query.kind == "prepared" else "ROLLBACK")
        return results, calls

    def run_limited(self, query, limit, faults):
        """The results under max_calls, the requests of each statement, and the error with its detail, or None.

        A cursor is one statement.
        """
        session = self.session("on")
        results, calls, error = [], [], None
        settings = ["search_path = f, public", f"appconfig_fdw.max_calls = {limit}", *self.known(query.settings)]
        self.emulator.calls(settle=True)
        if faults:
            self.emulator.control("PATCH", "faults", [{"kind": "error500", "times": faults}])
        try:
            worlds.execute(session, "; ".join(["BEGIN", *(f"SET LOCAL {setting}" for setting in settings)]))
            for counts, statement in query.statements():
                rows = worlds.execute(session, statement)
                if counts:
                    results.append(rows)
                    if query.kind != "cursor":
                        calls.append(self.emulator.calls(settle=True))
        except psycopg2.Error as problem:
            error = f"{problem.pgcode} {problem.diag.message_primary or problem} {problem.diag.message_detail}"
            if session.closed or problem.pgcode is None:
                self.close()
                raise
        worlds.execute(session, "ROLLBACK; DEALLOCATE ALL" if query.kind == "prepared" else "ROLLBACK")
        if error is not None or query.kind == "cursor":
            calls.append(self.emulator.calls(settle=True))
        if faults:
            self.emulator.control("DELETE", "faults")
        return results, calls, error

    def check_limited(self, query, wanted, unlimited):
        """Raises Mismatch if a limit of calls is exceeded, comes for no reason, or changes what comes out."""
        limit, faults = budget.choose(self.seed, query, unlimited)
        got, calls, error = self.run_limited(query, limit, faults)
        kind = "kept to" if error is None else "by keys" if budget.BY_KEYS in error else "on the way"
        self.counts[f"limit {kind}"] += 1
        for number, made in enumerate(calls):
            last = number == len(calls) - 1
            problem = budget.problem(limit, faults, made, unlimited[number], error if last else None)
            if problem:
                raise Mismatch(f"max_calls, statement {number + 1}: {problem}")
        if error is not None and not budget.is_allowed(error, faults):
            raise Mismatch(f"max_calls = {limit}: {error}")
        problem = compare(query, got, wanted[:len(got)]) if got else None
        if problem:
            raise Mismatch(f"max_calls = {limit} changes the rows\n{problem}")

    def known(self, settings):
        """Those of the settings that this version has, by the names that it has for them."""
        if not self.parameters:
            self.parameters = {name for name, in worlds.execute(self.session("on"), "SELECT name FROM pg_settings")}
        pairs = [setting.split(None, 1) for setting in settings]
        pairs = [(name if name in self.parameters else RENAMED.get(name), value) for name, value in pairs]
        return [f"{name} {value}" for name, value in pairs if name in self.parameters]

    def explain(self, query):
        """Counts what the query has in it."""
        self.features.update(features.of_query(describe(query)))
        if query.number % EXPLAINED or query.kind in ("prepared", "cursor"):
            return
        settings = "; ".join(f"SET LOCAL {setting}" for setting in ("search_path = f, public", *self.known(query.settings)))
        session = self.session("on")
        with contextlib.suppress(psycopg2.Error):
            plan = worlds.execute(session, f"BEGIN; {settings}; EXPLAIN (COSTS OFF) {query.text()}")
            self.plans.update({"planned", *features.of_plan("\n".join(line for line, in plan))})
        worlds.execute(session, "ROLLBACK")

    def check(self, query):
        """Raises Mismatch if the three ways disagree or there were too many calls."""
        full = query.kind == "limit"
        moments = [time.monotonic()]
        wanted, _ = self.run(query, "copy", "c", limit=not full)
        moments.append(time.monotonic())
        on, calls = self.run(query, "on", "f")
        moments.append(time.monotonic())
        off, _ = self.run(query, "off", "o" if query.number % UNKEPT else "f")
        moments.append(time.monotonic())
        for mode, began, ended in zip(("copy", "on", "off"), moments, moments[1:]):
            self.counts[f"seconds {mode}"] += ended - began
        if isinstance(wanted[0], str):
            self.counts["error " + wanted[0][:5]] += 1
            if self.show_errors:
                print(f"# {query.number}: {wanted[0]}", flush=True)
        elif any(wanted):
            self.counts["with rows"] += 1
        if off and isinstance(off[0], str) and off[0].startswith("57014"):
            self.counts["given up without pushdown"] += 1
            off = wanted if not full else on
        ways = [("pushdown on", on), ("pushdown off", off)]
        if query.number % TRANSACTIONS == 0:
            ways.append(("a transaction", self.run(query, "transaction", "f")[0]))
            self.counts["seconds transaction"] += time.monotonic() - moments[-1]
        for name, got in ways:
            problem = compare(query, got, wanted)
            if problem:
                raise Mismatch(f"{name} differs from the copy\n{problem}")
        for number, made in enumerate(calls):
            problem = minimum.repeated(made) if query.once else None
            if problem is None and query.expected is not None:
                problem = query.expected.problem(made)
            if problem:
                raise Mismatch(f"calls of execution {number + 1}: {problem}")
        if query.expected is not None:
            self.counts["with a known minimum"] += 1
        if budget.is_fit(query) and not isinstance((on or [None])[0], str):
            self.check_limited(query, wanted if full else on, calls)


def compare(query, got, wanted):
    """How results differ, or None."""
    if isinstance(got[0] if got else "", str) or isinstance(wanted[0] if wanted else "", str):
        mine, yours = (repr(results[0])[:300] if results and isinstance(results[0], str) else "no error"
                       for results in (got, wanted))
        if PLAN_DEPENDENT in (mine[1:6], yours[1:6]):
            return None
        return None if mine[:6] == yours[:6] else f"  got  {mine}\n  copy {yours}"
    for number, (mine, yours) in enumerate(zip(got, wanted), start=1):
        where = f" (execution {number})" if len(got) > 1 else ""
        if mine is None or yours is None:
            continue
        if query.kind == "limit":
            problem = compare_limited(query, mine, yours)
        elif query.kind in ("ordered", "cursor"):
            problem = None if mine == yours else difference(mine, yours) or order_difference(mine, yours)
        else:
            problem = difference(mine, yours)
        if problem:
            return problem + where
    return None if len(got) == len(wanted) else f"  {len(got)} results instead of {len(wanted)}"


def compare_limited(query, mine, full):
    """LIMIT without ORDER BY: so many of the rows."""
    numbers = dict(re.findall(r"(LIMIT|OFFSET) (\d+)", query.limit))
    count = max(len(full) - int(numbers.get("OFFSET", 0)), 0)
    count = min(count, int(numbers.get("LIMIT", count)))
    if len(mine) != count:
        return f"  {len(mine)} rows instead of {count} of {len(full)}"
    extra = Counter(mine) - Counter(full)
    return f"  rows that are not in the whole result: {list(extra)[:3]}" if extra else None


def difference(mine, yours):
    missing, extra = Counter(yours) - Counter(mine), Counter(mine) - Counter(yours)
    if not missing and not extra:
        return None
    lines = [f"  {len(mine)} rows, {len(yours)} in the copy: {missing.total()} missing, {extra.total()} extra"]
    for sign, rows in (("-", missing), ("+", extra)):
        lines += [f"  {sign} {str(row)[:600]}" for row in list(rows)[:4]]
    return "\n".join(lines)


def order_difference(mine, yours):
    place = next(index for index, (one, other) in enumerate(zip(mine, yours)) if one != other)
    return f"  order differs from row {place + 1}:\n  + {str(mine[place])[:600]}\n  - {str(yours[place])[:600]}"


def reduce(runner, query, seconds=20):
    """A smaller query that still fails, and how."""
    end = time.monotonic() + seconds
    problem = None
    again = True
    while again and time.monotonic() < end:
        again = False
        for smaller in query.smaller():
            if smaller.expected is not None:
                continue
            try:
                runner.check(smaller)
            except Mismatch as mismatch:
                query, problem, again = smaller, mismatch, True
                break
            except psycopg2.Error:
                pass
    return query, problem


def describe(query):
    lines = [f"SET {setting};" for setting in query.settings]
    return "\n".join(lines + [f"{statement};" for _, statement in query.statements()])


# ---------------------------------------------------------------------------------------------------
# Many queries
# ---------------------------------------------------------------------------------------------------

def make(world, options, number):
    if number % 100 < options.minimum_share:
        # a third of them joins
        if number % 3 == 0:
            return joined.generate(world, options.seed, number)
        return minimum.generate(world, options.seed, number, options.names)
    return queries.generate(world, options.seed, number)


def work(options, world, database, emulator_url, data, numbers, results):
    """A worker process: takes its share of the numbers and reports each."""
    emulator = worlds.Emulator(data, emulator_url, ("--names-win",) if options.names_win else ())
    runner = Runner(database, emulator)
    runner.show_errors = options.show_errors
    runner.seed = options.seed
    try:
        if emulator_url is None:
            worlds.clone(database, options.database, emulator)
        for number in numbers:
            query = make(world, options, number)
            if options.show:
                print(f"-- {options.seed}/{number} {query.kind}\n{describe(query)}\n", flush=True)
            taken = time.monotonic()
            try:
                runner.explain(query)
                runner.check(query)
                results.put((number, None))
            except Mismatch as mismatch:
                results.put((number, failure(runner, options, query, mismatch)))
            except Exception:                                   # pylint: disable=broad-except
                results.put((number, f"the test itself failed:\n{traceback.format_exc()}\n{describe(query)}"))
                runner.close()
            taken = time.monotonic() - taken
            if taken > options.slow:
                results.put((None, {"slow": (number, round(taken, 1))}))
    finally:
        results.put((None, {"counts": runner.counts, "features": runner.features, "plans": runner.plans}))
        results.put((None, None))
        runner.close()
        emulator.close()
        if emulator_url is None and not options.keep and database != options.database:
            worlds.drop(database)


def failure(runner, options, query, mismatch):
    """Everything that somebody needs who looks into it."""
    runner.close()
    try:
        runner.check(query)
        again = "not in a fresh session: what the session remembers is part of it"
    except Mismatch:
        again = "in a fresh session too"
    share = "" if options.minimum_share == SHARE else f" --minimum-share {options.minimum_share}"
    text = f"--seed {options.seed}{share} --only {query.number}\n{describe(query)}\n{mismatch}\nfails {again}"
    if options.reduce and query.expected is None:
        smaller, problem = reduce(runner, query)
        if problem is not None:
            text += f"\nreduced:\n{describe(smaller)}\n{problem}"
    return text


def load_data(options, url):
    """The account's dump: what the emulator of somebody else holds, or what ours are going to."""
    if url is not None:
        return worlds.Emulator(url=url).control("GET", "dump")
    dump = json.loads(subprocess.run([sys.executable, worlds.EMULATOR, "--data", options.data, "--dump"], check=True,
                                     capture_output=True, encoding="utf-8").stdout)
    return dump if options.full else accounts.trim(dump)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=2000, metavar="N")
    parser.add_argument("--seed", default="1", metavar="S")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first query")
    parser.add_argument("--only", type=int, action="append", metavar="N", help="this query of the seed; may be repeated")
    parser.add_argument("--start-emulator", action="store_true", help="even if APPCONFIG_ENDPOINT is set")
    parser.add_argument("--data", default=DATA, help="data set of the emulators that are started here")
    parser.add_argument("--full", action="store_true", help="the data set as it is, not trimmed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="1 with APPCONFIG_ENDPOINT")
    parser.add_argument("--database", default="appconfig_fdw_differential", help="prefix of the scratch databases")
    parser.add_argument("--minimum-share", type=int, default=SHARE, metavar="PERCENT",
                        help="of the queries whose minimum of calls is known")
    parser.add_argument("--no-names", dest="names", action="store_false", help="no minimum for keys that are names")
    parser.add_argument("--names-win", action="store_true",
                        help="emulators that prefer names where a name is another resource's id")
    parser.add_argument("--no-reduce", dest="reduce", action="store_false", help="print failures as they are")
    parser.add_argument("--keep", action="store_true", help="leave the databases")
    parser.add_argument("--show", action="store_true", help="print every query")
    parser.add_argument("--show-errors", action="store_true", help="mention queries that are errors over copies too")
    parser.add_argument("--slow", type=float, default=20, metavar="SECONDS", help="mention queries that take longer")
    parser.add_argument("--failures", type=int, default=20, metavar="N", help="stop after so many")
    return parser.parse_args()


def main():
    options = parse_arguments()
    url = None if options.start_emulator else os.environ.get("APPCONFIG_ENDPOINT")
    began = time.monotonic()
    data = load_data(options, url)
    numbers = options.only or range(options.first, options.first + options.queries)
    workers = 1 if url is not None else min(options.workers, len(numbers))
    account = accounts.Account(data)
    emulator = worlds.Emulator(data, url)
    world, problems = worlds.set_up(options.database, emulator, account)
    if url is None:
        emulator.close()
    if url is None and options.data == DATA:
        problems += [f"the data set does not hold {what}" for what in accounts.lacks(account)]
    failed = len(problems)
    for problem in problems:
        print(f"not ok - {problem}")
    passed = 0
    counts = {"counts": Counter(), "features": Counter(), "plans": Counter()}
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=work, args=(
            options, world, options.database if url is not None else f"{options.database}_{index}", url, data,
            numbers[index::workers], results)) for index in range(workers)]
    for process in processes:
        process.start()
    running = workers
    while running:
        number, outcome = results.get()
        if number is not None:
            passed += outcome is None
            failed += outcome is not None
            if outcome is not None:
                print(f"not ok {number} - {outcome}\n", flush=True)
            if (passed + failed) % PROGRESS == 0:
                print(f"# {passed + failed} of {len(numbers)}, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
            if failed >= options.failures:
                print(f"# stopped after {failed} failures")
                for process in processes:
                    process.terminate()
                break
        elif outcome is None:
            running -= 1
        elif "slow" in outcome:
            print("# query %d took %.1f s" % outcome["slow"], flush=True)
        else:
            for name, counted in outcome.items():
                counts[name].update(counted)
    for process in processes:
        process.join()
    if passed + failed - len(problems) < len(numbers) and failed < options.failures:
        print("not ok - a worker ended before its time")
        failed += 1
    if not options.keep:
        with contextlib.suppress(psycopg2.Error):
            for index in range(workers):
                worlds.drop(f"{options.database}_{index}")
            worlds.drop(options.database)
    if passed + failed >= ENOUGH and options.only is None and options.minimum_share == SHARE:
        for name in features.absent(counts["features"]):
            print(f"not ok - no query had: {name}")
            failed += 1
    if passed + failed >= ENOUGH and options.only is None:
        for kind in ("kept to", "by keys", "on the way"):
            if not counts["counts"][f"limit {kind}"]:
                print(f"not ok - no limit of calls was {kind}")
                failed += 1
    for line in features.report(counts["features"], counts["plans"].pop("planned", 0), counts["plans"]):
        print(line)
    facts = ", ".join(f"{name} {round(count)}" for name, count in sorted(counts["counts"].items()))
    print(f"# seed {options.seed}, {time.monotonic() - began:.0f} s; {facts}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
