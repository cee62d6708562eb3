"""Queries whose smallest number of calls is clear, and that number, worked out from the account alone.

One table, keys that are known or not, predicates that a list can answer or not.  The rules are those of
the contract: a known run costs one GetExperimentRun; a definition whose runs are not known costs the pages
of its list and one GetExperimentRun for each run that passes what the list can answer, if more is read than
the list says; definitions that are not known cost the pages of their list, and those that fail what that can
answer cost no more; a name that is read costs a look-up; keys that no row can have cost nothing.  Identifiers
look like ids, so that no answer needs proof.  Where all keys are known, lists may come first that tell what
exists, if they cost no more than the rest.  Several tables are for joined.py.
"""

import itertools
import re
from collections import Counter

from queries import Generator, Query, quote

PAGE = 50
#: Gets for which the service allows one List.
LIST_PRICE = 10
RUN_TABLES = ("experiment_runs", "treatments", "attribute_values", "treatment_overrides", "run_events")
DEFINITION_TABLES = ("experiment_definitions", "definition_treatments", "definition_attribute_values")
#: Columns that a list of runs, or of definitions, does not have.
RUN_DOCUMENT = ("exposure_percentage", "treatment_overrides", "result_executive_summary", "result_reasons_to_launch",
                "result_reasons_not_to_launch", "hypothesis", "configuration_profile_id", "environment_id", "flag_key",
                "audience_rule", "audience_description", "launch_criteria", "experiment_definition_snapshot")
DEFINITION_DOCUMENT = ("audience_rule", "audience_description", "launch_criteria", "kms_key_identifier", "treatments",
                       "control")
UNKNOWN_IDS = ("zzzzz99", "nosuch1", "0000000")
#: Clauses on key columns that are no keys, by column: text, and what is true of a value that passes.
KEY_TESTS = {
    "application_id": (
        ("{c} > 'm'", lambda v: v > "m"), ("{c} < 'r'", lambda v: v < "r"), ("{c} LIKE 'n%'", lambda v: v.startswith("n")),
        ("{c} NOT LIKE 'wn%'", lambda v: not v.startswith("wn")), ("{c} <> 'many120'", lambda v: v != "many120"),
        ("{c} NOT IN ('many120', 'app120x')", lambda v: v not in ("many120", "app120x")),
        ("{c} BETWEEN 'q' AND 'u'", lambda v: "q" <= v <= "u"), ("{c} IS DISTINCT FROM 'many120'", lambda v: v != "many120")),
    "application_name": (
        ("{c} LIKE 'shop%'", lambda v: v.startswith("shop")), ("{c} LIKE 's%'", lambda v: v.startswith("s")),
        ("{c} ~ '^[q-s]'", lambda v: "q" <= v[:1] <= "s"), ("{c} > 'p'", lambda v: v > "p"),
        ("{c} <> 'many definitions'", lambda v: v != "many definitions"), ("length({c}) < 7", lambda v: len(v) < 7),
        ("strpos({c}, '-') > 0", lambda v: "-" in v), ("{c} LIKE 'no such%'", lambda v: False)),
    "experiment_definition_id": (
        ("{c} > 'm'", lambda v: v > "m"), ("{c} >= 'onbrd44'", lambda v: v >= "onbrd44"), ("{c} < 'd'", lambda v: v < "d"),
        ("{c} LIKE '%d1'", lambda v: v.endswith("d1")), ("{c} NOT LIKE 'md%'", lambda v: not v.startswith("md")),
        ("{c} BETWEEN 'md00004' AND 'nzz'", lambda v: "md00004" <= v <= "nzz"),
        ("{c} <> ALL ('{{def120x,quirkd1}}')", lambda v: v not in ("def120x", "quirkd1")),
        ("substr({c}, 1, 2) = 'wd'", lambda v: v[:2] == "wd")),
    "experiment_definition_name": (
        ("{c} LIKE 'add%'", lambda v: v.startswith("add")), ("{c} LIKE 'd%'", lambda v: v.startswith("d")),
        ("{c} NOT LIKE 'definition%'", lambda v: not v.startswith("definition")),
        ("{c} ~ '[0-9]$'", lambda v: v[-1:] in "0123456789"),
        ("{c} > 'm'", lambda v: v > "m"), ("length({c}) < 7", lambda v: len(v) < 7), ("{c} <> 'quirks'", lambda v: v != "quirks"),
        ("NOT ({c} = 'quirks')", lambda v: v != "quirks"), ("({c} = 'plain') IS NOT FALSE", lambda v: v == "plain")),
    "run": (
        ("{c} % 2 = 0", lambda v: v % 2 == 0), ("{c} % 3 <> 1", lambda v: v % 3 != 1), ("{c} <> 2", lambda v: v != 2),
        ("{c} NOT IN (1, 2)", lambda v: v > 2), ("abs({c} - 3) < 2", lambda v: abs(v - 3) < 2),
        ("{c}::text LIKE '1%'", lambda v: str(v).startswith("1"))),
}
STATUSES = {"runs": ("RUNNING", "DONE"), "definitions": ("ACTIVE", "IDLE", "ARCHIVED")}


def repeated(calls):
    """Calls that a statement has made more than once, in words, or None."""
    twice = [target for (_, target), count in Counter(calls).items() if count > 1]
    return f"asked more than once: {twice[:5]}" if twice else None


def pages(count):
    return max(1, -(-count // PAGE))


class Minimum:
    """How many calls of each operation are enough."""

    def __init__(self):
        self.calls = Counter()
        self.by_application = False   # must lists of definitions be of one application each?
        self.known = False            # are all keys known, so that no list is needed?

    def problem(self, made):
        """Why these calls are too many, or None."""
        whole = [target for operation, target in made
                 if operation == "ListExperimentDefinitions" and "application_identifier=" not in target]
        if self.by_application and whole and not self.known:
            return f"the whole account's definitions listed for some applications:\n    {whole[0]}"
        counts = Counter(operation for operation, _ in made)
        # a plan may trade one operation for another, but not for more documents or lists of runs, unless it asks for them
        # outright and saves the lists of definitions, or these lists settle what exists
        traded = ("GetExperimentRun",) if self.settling(counts) else ("GetExperimentRun", "ListExperimentRuns")
        over = counts["ListExperimentDefinitions"] >= self.calls["ListExperimentDefinitions"] and any(
            counts[operation] > self.calls[operation] for operation in traded)
        if len(made) - self.settling(counts) <= self.calls.total() and not over:
            return None
        asked = "\n".join(f"    {target}" for _, target in made[:12])
        return f"{dict(counts)} where {dict(+self.calls)} is enough\n{asked}"

    def settling(self, counts):
        """Lists among the calls that may settle what exists of what is known by its keys."""
        def lists(calls):
            return sum(count for operation, count in calls.items() if operation.startswith("List"))

        extra = lists(counts) - lists(self.calls)
        price = self.calls.total() + lists(self.calls) * (LIST_PRICE - 1)
        return extra if self.known and 0 < extra * LIST_PRICE <= price else 0


class _Maker:
    """One query and its minimum."""

    def __init__(self, world, seed, number, names):
        self.generator = Generator(world, seed, number)
        self.rng = self.generator.rng
        self.account = world.account
        self.world = world
        self.names = names
        table = self._choose_table()
        self.relation = self.generator.relation(table=table)
        self.object = world.tables[table][0]
        self.where = []
        self.read = set()
        self.tests = []               # of a run's or definition's document, answered by the list
        self.application_tests = []   # of an application's id, answered by the lists that show it
        self.definition_tests = []    # of (application, definition), the same
        self.tests_application_name = False
        self.status = None
        self.applications = self.definitions = self.runs = None
        self.combinations = None      # of application, definition and run, where they are named together
        self.low, self.high = 1, 2**31 - 1
        self.nothing = False
        self.parameters = [] if self.chance(0.3) else None
        self.generator.parameters = None
        self.limit = None
        self.by_name = False
        self.by_definition_name = False

    def chance(self, probability):
        return self.rng.random() < probability

    def _choose_table(self):
        weights = {"experiment_runs": 10, "treatments": 2, "attribute_values": 1, "treatment_overrides": 1,
                   "run_events": 2, "experiment_definitions": 4, "definition_treatments": 1,
                   "definition_attribute_values": 0.5, "environments": 1.5, "configuration_profiles": 1.5,
                   "applications": 0.3, "runs_varchar": 1, "runs_name": 1, "runs_domain": 1, "runs_c": 1,
                   "runs_altered": 0.5, "treatments_domain": 0.5, "events_varchar": 0.5, "profiles_varchar": 0.5,
                   "definitions_name": 0.5}
        known = [name for name in weights if name in self.world.tables]
        return self.rng.choices(known, [weights[name] for name in known])[0]

    def column(self, source):
        found = self.relation.find(source)
        return found[0] if found else None

    # -- predicates -----------------------------------------------------------------------------

    def value(self, kind, literal):
        if self.parameters is not None and self.chance(0.6):
            self.parameters.append((kind, literal))
            return f"${len(self.parameters)}"
        return f"(SELECT {literal}::{kind})" if self.chance(0.08) and not kind.endswith("[]") else literal

    def text_clause(self, column, values):
        """The column is one of the values, in one of the ways to say so."""
        c, values = column.sql, list(values)
        kind = self.rng.choice(("text", "text", "varchar")) if column.collation == "default" else "text"
        nulls = ["NULL"] if self.chance(0.1) else []
        if len(values) == 1 and self.chance(0.6):
            one = self.value(kind, quote(values[0]) + (f"::{kind}" if self.chance(0.3) else ""))
            return f"{c} = {one}" if self.chance(0.7) else f"{one} = {c}"
        roll = self.rng.random()
        if roll < 0.4:
            return f"{c} IN ({', '.join([self.value(kind, quote(value)) for value in values] + nulls)})"
        if roll < 0.7:
            return f"{c} = ANY ({self.value('text[]', quote('{' + ','.join(values + nulls) + '}') + '::text[]')})"
        return "(" + " OR ".join(f"{c} = {quote(value)}" for value in values) + ")"

    def number_clause(self, column, values):
        c, values = column.sql, [str(value) for value in values]
        kind = self.rng.choice(("integer", "integer", "bigint", "smallint"))
        nulls = ["NULL"] if self.chance(0.1) else []
        if len(values) == 1 and self.chance(0.6):
            return f"{c} = {self.value(kind, f'({values[0]})::{kind}' if kind != 'integer' else values[0])}"
        roll = self.rng.random()
        if roll < 0.4:
            return f"{c} IN ({', '.join(values + nulls)})"
        if roll < 0.7:
            return f"{c} = ANY ({self.value(kind + '[]', quote('{' + ','.join(values + nulls) + '}') + f'::{kind}[]')})"
        return "(" + " OR ".join(f"{c} = {value}" for value in values) + ")"

    def add_application(self):
        column = self.column("application_id")
        if column is None or not self.chance(0.75):
            return
        known = sorted(self.account.definitions_of)
        count = self.rng.choices((1, 2, 3), (6, 1, 1))[0]
        self.applications = {self.generator.focus["application_id"] if self.chance(0.6) else self.rng.choice(known)
                             for _ in range(count)}
        if self.chance(0.1):
            self.applications.add(self.rng.choice(UNKNOWN_IDS))
        if self.names and len(self.applications) == 1 and self.column("application_name") is not None and self.chance(0.25):
            application, = self.applications
            name = self.account.applications.get(application, {}).get("Name")
            if self.is_plain_name(name):
                self.where.append(self.text_clause(self.column("application_name"), [name])
                                  if not set(name) & set(',"\\')
                                  else f"{self.column('application_name').sql} = {quote(name)}")
                self.read.add("application_name")
                self.by_name = True
                return
        self.where.append(self.text_clause(column, sorted(self.applications)))

    def is_plain_name(self, name):
        """A name that no service could take for anything else."""
        count = sum(document["Name"] == name for document in self.account.applications.values())
        return name is not None and count == 1 and self.is_plain(name)

    def is_plain(self, name):
        # what might as well be an id has to be looked up
        if re.fullmatch("[a-z0-9]{4,7}", name):
            return False
        ids = {*self.account.applications, *(key[1] for key in self.account.definitions)}
        return name not in ids and name.strip() == name and name.isascii() and name.upper() != "NULL" and \
            name.replace("-", "").replace(" ", "").isalnum()

    def add_definition(self):
        column = self.column("experiment_definition_id")
        if column is None or not self.chance(0.65):
            return
        pool = sorted({definition for application in self.applications or self.account.definitions_of
                       for definition in self.account.definitions_of.get(application, ())}) or ["nosuch1"]
        count = self.rng.choices((1, 2, 3), (6, 1, 1))[0]
        focus = self.generator.focus["experiment_definition_id"]
        self.definitions = {focus if focus in pool and self.chance(0.6) else self.rng.choice(pool) for _ in range(count)}
        if self.chance(0.08):
            self.definitions.add(self.rng.choice(UNKNOWN_IDS))
        name_column = self.column("experiment_definition_name")
        if self.names and name_column is not None and self.applications is not None and len(self.applications) == 1 and \
                self.chance(0.25):
            application, = self.applications
            names = [self.account.definitions.get((application, definition), {}).get("Name")
                     for definition in sorted(self.definitions)]
            known = [document["Name"] for document in self.account.definitions.values()]
            if all(name and "," not in name and self.is_plain(name) and known.count(name) == 1 for name in names):
                self.where.append(self.text_clause(name_column, names))
                self.read.add("experiment_definition_name")
                self.by_definition_name = True
                return
        self.where.append(self.text_clause(column, sorted(self.definitions)))

    def add_combinations(self):
        """Application, definition and run together, by ids or names: a row-wise IN, or an OR as long as may be."""
        sources = ["application_id", "experiment_definition_id", "run"]
        keys = self.rng.sample(sorted(self.account.runs), self.rng.choice((2, 5, 15, 60)))
        if self.names and self.column("application_name") is not None and self.chance(0.3):
            keys = [key for key in keys if self.is_plain_name(self.account.applications[key[0]].get("Name"))]
            sources[0] = "application_name"
        if self.names and self.column("experiment_definition_name") is not None and self.chance(0.3):
            known = [document["Name"] for document in self.account.definitions.values()]
            keys = [key for key in keys if self.is_plain(name := self.account.definitions[key[:2]]["Name"])
                    and known.count(name) == 1]
            sources[1] = "experiment_definition_name"
        columns = [self.column(source) for source in sources]
        if len(keys) < 2 or None in columns:
            return False
        if sources == ["application_id", "experiment_definition_id", "run"] and self.chance(0.3):
            keys.append((*keys[0][:2], 777))
        self.by_name, self.by_definition_name = sources[0].endswith("name"), sources[1].endswith("name")
        self.read |= set(sources)
        self.combinations = set(keys)
        self.applications, self.definitions, self.runs = ({key[place] for key in keys} for place in range(3))
        rows = [(quote(self.account.applications[key[0]]["Name"] if self.by_name else key[0]),
                 quote(self.account.definitions[key[:2]]["Name"] if self.by_definition_name else key[1]), str(key[2]))
                for key in keys]
        c = [column.sql for column in columns]
        if self.chance(0.5):
            self.where.append(f"({', '.join(c)}) IN ({', '.join('(' + ', '.join(row) + ')' for row in rows)})")
        else:
            self.where.append(" OR ".join(
                "(" + " AND ".join(f"{name} = {value}" for name, value in zip(c, row)) + ")" for row in rows))
        return True

    def add_region(self):
        """The server's region, which changes nothing, or another one, for which nobody is asked."""
        column = self.column("region")
        if column is None or not self.chance(0.15):
            return
        c, mine = column.sql, self.account.region
        others = self.rng.sample(("eu-west-1", "us-west-2", mine.upper(), f"{mine} "), self.rng.choice((1, 2)))
        if self.chance(0.5):
            self.where.append(self.rng.choice((
                self.text_clause(column, [mine]), self.text_clause(column, [mine, "eu-west-1"]), f"{c} LIKE '{mine[:4]}%'",
                f"{c} <> 'eu-west-1'", f"({c}, {c}) IN (('{mine}', '{mine}'), ('{mine}', 'eu-west-1'))")))
            return
        self.where.append(self.rng.choice((
            self.text_clause(column, ["eu-west-1"]), self.text_clause(column, ["eu-west-1", "us-west-2"]),
            f"{c} IN ({', '.join(map(quote, others))})", f"{c} <> '{mine}'", f"{c} LIKE 'eu-%'", f"{c} IS NULL",
            f"{c} > '{mine}'", f"{c} = '{mine}' AND {c} = 'eu-west-1'", f"upper({c}) = '{mine}'",
            " OR ".join(f"{c} = {quote(other)}" for other in others))))
        self.nothing = True

    def add_run(self):
        column = self.column("run")
        if column is None or not self.chance(0.6):
            return
        c = column.sql
        focus = self.generator.focus["run"]
        roll = self.rng.random()
        if roll < 0.7:
            count = self.rng.choices((1, 2, 4), (6, 2, 1))[0]
            self.runs = {focus if self.chance(0.6) else self.rng.randrange(1, 9) for _ in range(count)}
            self.where.append(self.number_clause(column, sorted(self.runs)))
            if self.chance(0.05):
                self.where.append(f"{c} > {max(self.runs)}")
                self.nothing = True
            return
        edge = self.rng.randrange(1, 60)
        text, self.low, self.high = self.rng.choice((
            (f"{c} > {edge}", edge + 1, self.high), (f"{c} >= {edge}", edge, self.high), (f"{edge} <= {c}", edge, self.high)))
        self.where.append(text)

    def add_impossible(self):
        """A predicate that no row can meet, and that tells so before anything is asked."""
        choices = []
        for source in ("application_id", "experiment_definition_id"):
            column = self.column(source)
            if column is not None:
                c = column.sql
                choices += [f"{c} = ''", f"{c} = NULL", f"{c} IS NULL", f"{c} = ANY ('{{}}'::text[])", f"{c} IN (NULL, '')",
                            f"{c} = 'aaaaaa1' AND {c} = 'bbbbbb2'", f"{c} = ANY (NULL::text[])"]
                # a name cuts texts, and so might varchar(n)
                if column.kind not in ("name", "varchar"):
                    choices += [f"{c} = repeat('x', 2049)", f"{c} IN (repeat('y', 3000), '')"]
        column = self.column("run")
        if column is not None:
            c = column.sql
            choices += [f"{c} = 0", f"{c} = -1", f"{c} < 1", f"{c} = 1 AND {c} = 2", f"{c} = ANY ('{{0,NULL}}'::integer[])",
                        f"{c} = 4294967297", f"{c} BETWEEN 5 AND 3", f"{c} IS NULL", f"{c} > 3 AND {c} < 3", f"{c} <= 0",
                        f"{c} = NULL", f"{c} > 2147483647", f"{c} IN (1, 2) AND {c} IN (3, 4)"]
        if not choices:
            return
        # a key that holds something else is no reason to call either
        self.where.append(self.rng.choice(choices))
        self.nothing = True

    def add_list_tests(self):
        """Predicates that the items of a list answer."""
        is_run = self.object == "experiment_runs"
        if not is_run and self.object != "experiment_definitions":
            return
        tests = [
            ("status", "{c} = 'DONE'", lambda d: d.get("Status") == "DONE", "DONE"),
            ("status", "{c} = 'RUNNING'", lambda d: d.get("Status") == "RUNNING", "RUNNING"),
            ("status", "{c} = 'ARCHIVED'", lambda d: d.get("Status") == "ARCHIVED", "ARCHIVED"),
            ("status", "{c} = 'ACTIVE'", lambda d: d.get("Status") == "ACTIVE", "ACTIVE"),
            ("status", "{c} IN ('STOPPING', 'RUNNING')", lambda d: d.get("Status") in ("STOPPING", "RUNNING"), None),
            ("status", "{c} <> 'DONE'", lambda d: d.get("Status") not in (None, "DONE"), None),
            ("updated_at", "{c} < '2026-08-01Z'", lambda d: (d.get("UpdatedAt") or "9")[:10] < "2026-08-01", None),
            ("updated_at", "{c} IS NOT NULL", lambda d: d.get("UpdatedAt") is not None, None)]
        if is_run:
            tests += [
                ("started_at", "{c} >= '2026-07-01Z'", lambda d: (d.get("StartedAt") or "0")[:10] >= "2026-07-01", None),
                ("ended_at", "{c} IS NULL", lambda d: d.get("EndedAt") is None, None),
                ("description", "{c} IS NULL", lambda d: d.get("Description") is None, None),
                ("description", "{c} LIKE 'week%'", lambda d: (d.get("Description") or "").startswith("week"), None),
                ("run", "{c} % 3 = 0", lambda d: d["Run"] % 3 == 0, None),
                ("region", "{c} = 'us-east-1'", lambda d: True, None)]
        else:
            tests += [
                ("experiment_definition_name", "{c} LIKE 'd%'", lambda d: d["Name"].startswith("d"), None),
                ("flag_key", "{c} = 'feature'", lambda d: d.get("FlagKey") == "feature", None)]
        for _ in range(self.rng.choices((0, 1, 2), (5, 4, 1))[0]):
            source, text, test, status = self.rng.choice(tests)
            column = self.column(source)
            if column is None or status is not None and self.status is not None:
                continue
            self.where.append(text.format(c=column.sql))
            self.read.add(source)
            self.tests.append(test)
            if status in STATUSES["runs" if is_run else "definitions"]:
                self.status = status

    def add_key_tests(self):
        """Clauses on keys that no call can have, but that the lists answer which are made for want of keys."""
        sources = []
        if self.object in RUN_TABLES + DEFINITION_TABLES and (self.applications is None or self.definitions is None):
            sources += ["experiment_definition_id", "experiment_definition_name"]
        if self.applications is None and self.object != "applications":
            sources += ["application_id", "application_name"]
        if self.object in RUN_TABLES and self.runs is None:
            sources.append("run")
        sources = [source for source in sources if self.column(source) is not None]
        if not sources or not self.chance(0.4):
            return
        for source in self.rng.sample(sources, min(len(sources), self.rng.choice((1, 1, 1, 2)))):
            text, test = self.rng.choice(KEY_TESTS[source])
            self.where.append(text.format(c=self.column(source).sql))
            self.read.add(source)
            if source == "run":
                self.tests.append(lambda document, test=test: test(document["Run"]))
            elif source == "application_id":
                self.application_tests.append(test)
            elif source == "application_name":
                self.application_tests.append(lambda key, test=test: test(self.account.applications[key]["Name"]))
                self.tests_application_name = True
            elif source == "experiment_definition_id":
                self.definition_tests.append(lambda pair, test=test: test(pair[1]))
            else:
                self.definition_tests.append(lambda pair, test=test: test(self.account.definitions[pair]["Name"]))

    def passes(self, application):
        return all(test(application) for test in self.application_tests)

    # -- the query ------------------------------------------------------------------------------

    def make(self):
        together = self.object in RUN_TABLES and self.chance(0.12) and self.add_combinations()
        if not together and self.object in RUN_TABLES + DEFINITION_TABLES:
            self.add_application()
            self.add_definition()
        elif not together and self.column("application_id") is not None and self.object != "applications":
            self.add_application()
        if not together and self.object in RUN_TABLES:
            self.add_run()
        self.add_region()
        self.add_list_tests()
        self.add_key_tests()
        if self.chance(0.12) and self.object != "applications":
            self.add_impossible()
        columns = self.generator.output_columns([self.relation], 4)
        if self.chance(0.5):
            columns = [column for column in columns
                       if column.source not in RUN_DOCUMENT + DEFINITION_DOCUMENT] or columns
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(columns)]
        kind = "rows"
        if self.chance(0.2):
            select, columns = ["count(*)"], []
        self.read |= {column.source for column in columns}
        limit = ""
        if columns and self.object == "experiment_runs" and self.runs is None and self.chance(0.12):
            kind, self.limit = "limit", self.rng.randrange(1, 6)
            limit = f"LIMIT {self.limit}"
        self.rng.shuffle(self.where)
        query = Query(self.generator.number, kind, settings=self.generator.settings(), select=select, limit=limit,
                      source=self.generator.table_reference(self.relation), where=self.where)
        if self.parameters:
            if kind == "limit":
                query.limit, self.limit = "", None
            query.kind = "prepared"
            query.types = [kind for kind, _ in self.parameters]
            query.arguments = [[literal for _, literal in self.parameters]] * self.rng.choice((1, 1, 6))
            query.settings.append(f"plan_cache_mode = {self.rng.choice(('force_generic_plan', 'force_custom_plan', 'auto'))}")
        query.expected = self.minimum()
        return query

    # -- the minimum ----------------------------------------------------------------------------

    def minimum(self):
        result = Minimum()
        if self.nothing:
            return result
        calls = result.calls
        result.by_application = self.applications is not None
        result.known = self.applications is not None and self.definitions is not None
        if self.object == "applications":
            calls["ListApplications"] = pages(len(self.account.applications))
        elif self.object in ("environments", "configuration_profiles"):
            self.count_children(calls)
        elif self.object in DEFINITION_TABLES:
            self.count_definitions(calls)
        elif self.combinations is not None:
            self.count_combinations(calls)
        else:
            self.count_runs(calls)
        return result

    def count_names(self, calls, applications):
        """Look-ups of application names: of each by its id, or of all by the list where ids are not known."""
        if "application_name" not in self.read:
            return
        if self.applications is not None and not self.by_name:
            calls["GetApplication"] = len(applications)
        elif self.by_name:
            calls["ListApplications"] = pages(len(self.account.applications))
        else:
            calls["ListApplications"] = max(pages(len(self.account.applications)), len(applications))

    def count_children(self, calls):
        operation, children = ("ListEnvironments", self.account.environments) if self.object == "environments" else \
            ("ListConfigurationProfiles", self.account.profiles)
        applications = self.applications
        if applications is None:
            calls["ListApplications"] = pages(len(self.account.applications))
            applications = [application for application in self.account.applications if self.passes(application)]
        else:
            self.count_names(calls, [application for application in applications
                                     if application in self.account.applications])
        for application in applications:
            calls[operation] += pages(sum(key[0] == application for key in children))

    def list_definitions(self, calls, status=None):
        """The definitions that the query is about, after the lists that show them; None if none is needed."""
        account = self.account
        if self.applications is not None and self.definitions is not None:
            return None
        if self.applications is None:
            calls["ListExperimentDefinitions"] += pages(sum(
                status is None or document.get("Status") == status for document in account.definitions.values()))
        for application in self.applications or ():
            calls["ListExperimentDefinitions"] += pages(sum(
                status is None or account.definitions[application, definition].get("Status") == status
                for definition in account.definitions_of.get(application, ())))
        listed = [key for key in account.definitions
                  if (self.applications is None or key[0] in self.applications) and
                  (self.definitions is None or key[1] in self.definitions) and
                  self.passes(key[0]) and all(test(key) for test in self.definition_tests)]
        if self.tests_application_name:
            # whether the account's list is made, or those of the applications that pass, is open
            each = sum(pages(sum(status is None or account.definitions[application, definition].get("Status") == status
                                 for definition in account.definitions_of.get(application, ())))
                       for application in account.applications if self.passes(application))
            calls["ListExperimentDefinitions"] = max(calls["ListExperimentDefinitions"], each)
        return listed

    def count_definitions(self, calls):
        account = self.account
        needs_document = self.object != "experiment_definitions" or bool(self.read & set(DEFINITION_DOCUMENT))
        listed = self.list_definitions(calls, self.status)
        if listed is None:
            pairs = list(itertools.product(self.applications, self.definitions))
            calls["GetExperimentDefinition"] += len(pairs)
            rows = [pair for pair in pairs if pair in account.definitions]
        else:
            rows = [pair for pair in listed if all(test(account.definitions[pair]) for test in self.tests)]
            if needs_document:
                calls["GetExperimentDefinition"] += len(rows)
        self.count_names(calls, {pair[0] for pair in rows})

    def count_combinations(self, calls):
        account = self.account
        rows = [key for key in self.combinations if key in account.runs]
        self.count_names(calls, {key[0] for key in rows})
        if self.object == "run_events":
            # an event does not say whose it is: that the identifiers are ids has to be proved
            calls["ListExperimentRunEvents"] += sum(pages(len(account.events.get(key, ()))) for key in self.combinations)
            calls["GetExperimentDefinition"] += len({key[:2] for key in rows})
            return
        calls["GetExperimentRun"] += len(self.combinations)
        if "experiment_definition_name" in self.read:
            calls["GetExperimentDefinition"] += len({
                key[:2] for key in rows if "Name" not in (account.runs[key].get("ExperimentDefinitionSnapshot") or {})})

    def count_runs(self, calls):
        account = self.account
        events = self.object == "run_events"
        needs_document = self.object != "experiment_runs" and not events or bool(self.read & set(RUN_DOCUMENT) and not events)
        listed = self.list_definitions(calls)
        pairs = list(itertools.product(self.applications, self.definitions)) if listed is None else listed
        rows = []
        for pair in pairs:
            known = [run for run in account.runs_of.get(pair, ())]
            if self.runs is not None:
                wanted = [run for run in self.runs if self.low <= run <= self.high]
                if events:
                    calls["ListExperimentRunEvents"] += sum(pages(len(account.events.get((*pair, run), ()))) for run in wanted)
                else:
                    calls["GetExperimentRun"] += len(wanted)
                rows += [(*pair, run) for run in wanted if run in known]
                continue
            calls["ListExperimentRuns"] += pages(sum(
                self.status is None or account.runs[*pair, run].get("Status") == self.status for run in known))
            passing = [(*pair, run) for run in known if self.low <= run <= self.high and
                       all(test(account.runs[*pair, run]) for test in self.tests)]
            if events:
                calls["ListExperimentRunEvents"] += sum(pages(len(account.events[key])) for key in passing)
            elif needs_document:
                calls["GetExperimentRun"] += len(passing)
            rows += passing
        if self.limit is not None:
            calls["GetExperimentRun"] = min(calls["GetExperimentRun"], self.limit)
        self.count_names(calls, {key[0] for key in rows})
        if events and self.runs is not None and listed is None:
            # an event does not say whose it is: that the identifiers are ids has to be proved
            calls["GetExperimentDefinition"] += len({key[:2] for key in rows})
        elif self.by_definition_name and self.runs is None:
            # a list of runs does not say what its definition is called
            calls["GetExperimentDefinition"] += len(pairs)
        elif "experiment_definition_name" in self.read and listed is None:
            has_document = not events and (needs_document or self.runs is not None)
            calls["GetExperimentDefinition"] += len({
                key[:2] for key in rows
                if not has_document or "Name" not in (account.runs[key].get("ExperimentDefinitionSnapshot") or {})})


def generate(world, seed, number, names=True):
    return _Maker(world, seed, number, names).make()
