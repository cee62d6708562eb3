"""Random steps of several sessions: runs start, change and end, and no query shows one as it no longer is.

    sessions.py --dsn DSN --steps N [--seed N]

The emulator is the one that APPCONFIG_ENDPOINT names.  A step changes it, or has some sessions query it at the
same time, or lets a cursor go on; what they answer is compared with what this program knows of the runs.  A server
without cache_ttl has to show every run as it is; a cursor as it was at some time since it was opened; one with
cache_ttl as it was at some time that is not longer ago.  Sessions end and begin, sign with other keys, and share
more copies or fewer, all by the seed.
"""

import argparse
import http.client
import json
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg2

APPLICATION = "shop4x1"
TTL = 0.2
SERVERS = {"fresh": "", "young": f", cache_ttl '{int(TTL * 1000)}ms'"}
ROLES = {"one": ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "two": ("AKIDOTHER", "other-secret")}
SESSIONS = 6
DEFINITIONS = 5
MOST_RUNS = 12
NEVER = float("inf")

#: What is compared of a run: columns that lists have, and others.
LISTED = ("run", "status", "description")
COLUMNS = LISTED + ("exposure_percentage", "result_executive_summary")


class Emulator:
    def __init__(self, url):
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def control(self, method, name, document=None):
        self._connection.request(method, f"/_emulator/{name}", None if document is None else json.dumps(document))
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(body)
        return body


class World:
    """The runs as they are and have been: by definition and number, states and when each has ended."""

    def __init__(self, emulator, chance):
        self._emulator = emulator
        self._chance = chance
        self._count = 0
        self._changed = 0
        self._documents = {}
        self.runs = {}
        self._gone = {}
        for _ in range(DEFINITIONS):
            self._add_definition()

    def _mutate(self, action, **arguments):
        return self._emulator.control("POST", "mutate", {"action": action, **arguments})

    def _add_definition(self):
        self._count += 1
        name = f"steps{self._count:04d}"
        self._mutate("put", kind="definition", document={
            "ApplicationId": APPLICATION, "Id": name, "Name": name, "Status": "IDLE", "EnvironmentId": "prod7e2",
            "ConfigurationProfileId": "flagp51", "FlagKey": "f", "Control": {"Key": "c", "Weight": 50, "FlagValue": {}},
            "Treatments": [{"Key": "t1", "Weight": 50, "FlagValue": {}}]})
        self.runs[name] = {}

    def _note(self, definition, number, document):
        """A run is in another state; None: there is none any longer."""
        states = self.runs[definition].setdefault(number, [])
        now = time.monotonic()
        if states:
            states[-1][1] = now
        if document is not None:
            self._documents[definition, number] = document
            result = document.get("Result") or {}
            states.append([(number, document["Status"], document.get("Description"), document["ExposurePercentage"],
                            result.get("ExecutiveSummary")), NEVER])

    def change(self):
        chance = self._chance
        definition = chance.choice(sorted(self.runs))
        place = {"application": APPLICATION, "definition": definition}
        runs = self.runs[definition]
        running = [number for number, states in runs.items() if states[-1][0][1] == "RUNNING"]
        if len(runs) >= MOST_RUNS and not running:
            self._mutate("delete_definition", **place)
            for number in runs:
                self._note(definition, number, None)
            # a cursor may still read them
            self._gone[definition] = self.runs.pop(definition)
            self._add_definition()
        elif len(runs) > len(running) and chance.random() < 0.1:
            # which the service would not do, so that it is seen by which state of a run a copy is known
            number = chance.choice([number for number in runs if number not in running])
            self._changed += 1
            document = {**self._documents[definition, number], "ExposurePercentage": float(chance.randrange(100)),
                        "UpdatedAt": f"2027-01-01T00:00:00.{self._changed:06d}Z"}
            self._mutate("put", kind="run", document=document)
            self._note(definition, number, document)
        elif len(runs) < MOST_RUNS and (not running or chance.random() < 0.3):
            document = self._mutate("start_run", **place, exposure=chance.randrange(100),
                                    description=chance.choice((None, "d" * chance.randrange(3000))))
            self._note(definition, document["Run"], document)
        else:
            number = chance.choice(running)
            if chance.random() < 0.5:
                document = self._mutate("update_run", **place, run=number, exposure=chance.randrange(100))
            else:
                document = self._mutate("stop_run", **place, run=number,
                                        result={"ExecutiveSummary": "e" * chance.randrange(50)})
            self._note(definition, number, document)

    def states_since(self, definition, moment):
        """The states in which runs were at some time since then, by number."""
        runs = self.runs[definition] if definition in self.runs else self._gone[definition]
        return {number: [state for state, end in states if end > moment] for number, states in runs.items()}

    def now(self, definition):
        return sorted(states[-1][0] for states in self.runs[definition].values())


def where(definition):
    return f"WHERE application_id = '{APPLICATION}' AND experiment_definition_id = '{definition}'"


class Query:
    """A query of one definition's runs, and whether its answer can be right."""

    def __init__(self, chance, world, server):
        self.server = server
        self.definition = chance.choice(sorted(world.runs))
        self._world = world
        self._kind = chance.choice(("all", "all", "keys", "status", "listed", "join", "count"))
        self._numbers = sorted(chance.sample(range(1, MOST_RUNS + 2), chance.randrange(1, 4)))
        self._status = chance.choice(("RUNNING", "DONE"))
        table = f"{server}.experiment_runs"
        place = where(self.definition)
        columns = ", ".join(COLUMNS)
        self.sql = {
            "all": f"SELECT {columns} FROM {table} {place}",
            "keys": f"SELECT {columns} FROM {table} {place} AND run IN ({', '.join(map(str, self._numbers))})",
            "status": f"SELECT {columns} FROM {table} {place} AND status = '{self._status}'",
            "listed": f"SELECT {', '.join(LISTED)} FROM {table} {place}",
            "join": f"SELECT {', '.join('a.' + column for column in LISTED)}, {', '.join('b.' + column for column in COLUMNS)}"
                    f" FROM {table} a JOIN {table} b USING (application_id, experiment_definition_id, run)"
                    f" {place.replace('WHERE ', 'WHERE a.').replace('AND ', 'AND a.')}",
            "count": f"SELECT status, count(*) FROM {table} {place} GROUP BY status",
        }[self._kind]

    def problem(self, rows, moment):
        """What is wrong with the answer of a server that may be as old as that; None for nothing."""
        if self.server == "fresh":
            expected = self._expected()
            return None if sorted(rows, key=repr) == sorted(expected, key=repr) else f"expected {expected}"
        return self.stale(rows, moment)

    def _expected(self):
        now = self._world.now(self.definition)
        if self._kind == "keys":
            return [state for state in now if state[0] in self._numbers]
        if self._kind == "status":
            return [state for state in now if state[1] == self._status]
        if self._kind == "listed":
            return [state[:3] for state in now]
        if self._kind == "join":
            return [state[:3] + state for state in now]
        if self._kind == "count":
            return [(status, count) for status in ("RUNNING", "DONE")
                    if (count := sum(state[1] == status for state in now)) > 0]
        return now

    def stale(self, rows, moment):
        """A row that shows a run in a state that had ended before then; None for none."""
        if self._kind == "count":
            return None
        possible = self._world.states_since(self.definition, moment)
        for row in rows:
            states = possible.get(row[-5] if self._kind != "listed" else row[0], [])
            if self._kind == "listed":
                states = [state[:3] for state in states]
            elif self._kind == "join":
                states = [state[:3] + state for state in states]
            if row not in states:
                return f"{row} is none of {states}"
        return None


class Session:
    def __init__(self, dsn, chance):
        self._dsn = dsn
        self._chance = chance
        self._cursor = None
        self.connect()

    def connect(self):
        self.connection = psycopg2.connect(self._dsn)
        self._cursor = None
        role = self._chance.choice(sorted(ROLES))
        with self.connection.cursor() as cursor:
            cursor.execute("LOAD 'appconfig_fdw'")
            if self.connection.server_version >= 170000:
                size = self._chance.choice(("0", "192kB", "192kB", "64MB"))
                cursor.execute(f"SET appconfig_fdw.shared_cache_size = '{size}'")
            cursor.execute(f"SET ROLE {role}")
        self.connection.commit()

    def close(self):
        self.connection.close()

    def answer(self, query):
        with self.connection.cursor() as cursor:
            cursor.execute(query.sql)
            return cursor.fetchall()

    def go_on(self, world):
        """Opens a cursor, or reads on in one; a problem, or None."""
        if self._cursor is None:
            query = Query(self._chance, world, self._chance.choice(sorted(SERVERS)))
            opened = time.monotonic() - (TTL if query.server == "young" else 0)
            self._cursor = self.connection.cursor("steps"), query, opened
            self._cursor[0].itersize = 1
            self._cursor[0].execute(query.sql)
        cursor, query, opened = self._cursor
        rows = cursor.fetchmany(self._chance.randrange(1, 4))
        problem = query.stale(rows, opened)
        if not rows or self._chance.random() < 0.1:
            cursor.close()
            self.connection.commit()
            self._cursor = None
        return problem and f"a cursor for {query.sql}: {problem}"

    def has_cursor(self):
        return self._cursor is not None


def set_up(dsn, endpoint):
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        for role in ROLES:
            cursor.execute(f"CREATE ROLE {role} SUPERUSER")
        for name, options in SERVERS.items():
            cursor.execute(f"CREATE SERVER {name} FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1',"
                           f" endpoint '{endpoint}', max_get_rate '0', max_list_rate '0'{options})")
            for role, (key, secret) in ROLES.items():
                cursor.execute(f"CREATE USER MAPPING FOR {role} SERVER {name}"
                               f" OPTIONS (access_key_id '{key}', secret_access_key '{secret}')")
            cursor.execute(f"CREATE SCHEMA {name}; IMPORT FOREIGN SCHEMA appconfig FROM SERVER {name} INTO {name}")
    connection.close()


class Steps:
    def __init__(self, options):
        self._chance = random.Random(options.seed)
        self._emulator = Emulator(os.environ["APPCONFIG_ENDPOINT"])
        self._world = World(self._emulator, self._chance)
        self._sessions = [Session(options.dsn, self._chance) for _ in range(SESSIONS)]
        self._pool = ThreadPoolExecutor(SESSIONS)
        self.counts = {"changes": 0, "queries": 0, "rows": 0, "cursors": 0, "connections": SESSIONS}

    def step(self):
        """A random one; the problem that it has shown, or None."""
        kind = self._chance.random()
        session = self._chance.choice(self._sessions)
        if kind < 0.25:
            self.counts["changes"] += 1
            self._world.change()
        elif kind < 0.27:
            self.counts["connections"] += 1
            session.close()
            session.connect()
        elif kind < 0.4:
            self.counts["cursors"] += 1
            return session.go_on(self._world)
        else:
            return self._query()
        return None

    def _query(self):
        sessions = self._chance.sample(self._sessions, self._chance.choice((1, 1, 1, 2, 3)))
        queries = [Query(self._chance, self._world, self._chance.choice(sorted(SERVERS))) for _ in sessions]
        moment = time.monotonic() - TTL
        answers = list(self._pool.map(lambda session, query: session.answer(query), sessions, queries))
        for session, query, rows in zip(sessions, queries, answers):
            self.counts["queries"] += 1
            self.counts["rows"] += len(rows)
            if not session.has_cursor():
                session.connection.commit()
            problem = query.problem(rows, moment)
            if problem:
                return f"{query.sql}: {rows}: {problem}"
        return None

    def operations(self):
        return self._emulator.control("GET", "stats")["operations"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    set_up(options.dsn, os.environ["APPCONFIG_ENDPOINT"])
    steps = Steps(options)
    started = time.monotonic()
    for number in range(options.steps):
        problem = steps.step()
        if problem:
            sys.exit(f"step {number} of seed {options.seed}: {problem}")
    print(json.dumps({"steps": options.steps, "seconds": round(time.monotonic() - started), **steps.counts,
                      **steps.operations()}))


if __name__ == "__main__":
    main()
