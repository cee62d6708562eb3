"""Joins whose smallest number of calls is clear, and that number.

All keys of all tables are known: as constants in WHERE, which a join carries to its other side, or from a few
rows of a local table.  However many scans of a statement read a run's document, it is fetched once: that is one
GetExperimentRun for each distinct combination of keys.  Single tables are for minimum.py.
"""

import re

from minimum import Minimum, pages
from queries import Generator, Query, quote

KEYS = ("application_id", "experiment_definition_id", "run")
TABLES = {"experiment_runs": 6, "treatments": 5, "attribute_values": 3, "treatment_overrides": 2, "run_events": 2,
          "runs_varchar": 1, "runs_domain": 1}
#: Under these, keys can still come from the rows of the other side.
LOCAL_SETTINGS = ([], [], [], ["enable_hashjoin = off", "enable_mergejoin = off"], ["enable_memoize = off"],
                  ["enable_material = off", "enable_sort = off"])


class _Joiner:
    """One query and its minimum."""

    def __init__(self, world, seed, number):
        self.generator = Generator(world, seed, number)
        self.rng = self.generator.rng
        self.account = world.account
        self.world = world
        self.relations = [self._relation() for _ in range(self.rng.choice((2, 2, 3)))]
        self.shown = [self.relations[0]]      # those that SELECT may name
        self.keys = []                        # combinations that the statement reads
        self.where = []

    def chance(self, probability):
        return self.rng.random() < probability

    def _relation(self):
        return self.generator.relation(table=self.rng.choices(list(TABLES), list(TABLES.values()))[0])

    def _literal(self, source, value, relation):
        column, = relation.find(source)
        if source == "run":
            kind = self.rng.choice(("", "", "::bigint", "::smallint"))
            return column, f"{value}{kind}"
        return column, quote(value) + self.rng.choice(("", "", "::text", "::varchar"))

    def _equal(self, source, value, relation):
        column, literal = self._literal(source, value, relation)
        return f"{column.sql} = {literal}" if self.chance(0.8) else f"{literal} = {column.sql}"

    def _tie(self, one, other):
        """All keys of two relations are the same."""
        clauses = []
        for source in KEYS:
            mine, yours = one.find(source)[0].sql, other.find(source)[0].sql
            clauses.append(f"{mine} = {yours}" if self.chance(0.5) else f"{yours} = {mine}")
        return clauses

    def _add(self, source, other, clauses, kinds):
        """The FROM clause with one more relation, or WHERE with one of which no row is shown."""
        reference = self.generator.table_reference(other)
        condition = " AND ".join(clauses)
        kind = self.rng.choice(kinds)
        if kind in ("EXISTS", "NOT EXISTS"):
            self.where.append(f"{kind} (SELECT FROM {reference} WHERE {condition})")
            return source
        self.shown.append(other)
        if kind == "CROSS JOIN":
            self.where += clauses
            return f"{source}\n  CROSS JOIN {reference}"
        return f"{source}\n  {kind} {reference} ON {condition}"

    # -- keys that are constants ----------------------------------------------------------------

    def constants(self):
        application, definition, run = (self.generator.focus[key] for key in KEYS)
        runs = [run]
        first, others = self.relations[0], self.relations[1:]
        if self.chance(0.3):
            runs = sorted({run, *(self.rng.randrange(1, 6) for _ in range(2))})
        if self.chance(0.3) and len(runs) == 1 and all(
                relation.table in ("experiment_runs", "treatments", "attribute_values", "treatment_overrides", "run_events")
                for relation in self.relations):
            source = self.generator.table_reference(first) + "".join(
                f"\n  {self.rng.choice(('JOIN', 'LEFT JOIN'))} {self.generator.table_reference(other)} USING ({', '.join(KEYS)})"
                for other in others)
            self.shown += others
        else:
            source = self.generator.table_reference(first)
            for other in others:
                # a list of keys is not carried to the other side, so each relation has it
                kinds = ("JOIN", "CROSS JOIN", "LEFT JOIN", "EXISTS", "NOT EXISTS") if len(runs) == 1 else ("JOIN", "CROSS JOIN")
                source = self._add(source, other, self._tie(self.rng.choice(self.shown), other), kinds)
        self.where += [self._equal("application_id", application, first),
                       self._equal("experiment_definition_id", definition, first)]
        if len(runs) == 1:
            self.where.append(self._equal("run", run, first))
        else:
            for relation in self.relations:
                self.where.append(f"{relation.find('run')[0].sql} IN ({', '.join(map(str, runs))})")
        self.keys = [(application, definition, run) for run in runs]
        return source, self.generator.settings()

    # -- keys from local rows -------------------------------------------------------------------

    def local(self):
        rows = [row for row in self.world.keys if all(re.fullmatch("[a-z0-9]{7}", text or "") for text in row[1:3]) and
                (row[3] or 0) > 0]
        rows = self.rng.sample(rows, self.rng.choice((1, 1, 2, 4)))
        ids = ", ".join(str(row[0]) for row in rows)
        values = ", ".join(f"({quote(row[1])}, {quote(row[2])}, {row[3]})" for row in rows)
        table, condition, run = self.rng.choice((
            ("shared.keys AS l", f"l.id IN ({ids})", "l.run"), ("shared.keys AS l", f"l.id = ANY ('{{{ids}}}')", "l.run"),
            ("shared.exposures AS l", f"l.id IN ({ids})", "l.experiment_run_number::int"),
            (f"(VALUES {values}) AS l(app, def, run)", None, "l.run"), ("shared.one AS l", None, "l.run")))
        if table.startswith("shared.one"):
            rows = [(1, *self.world.one)]
        if condition:
            self.where.append(condition)
        first, others = self.relations[0], self.relations[1:self.rng.choice((1, 1, 2))]
        mine = ("l.app", "l.def", run)
        clauses = [f"{first.find(key)[0].sql} = {value}" for key, value in zip(KEYS, mine)]
        if table.startswith("(VALUES") and first.find("region") and self.chance(0.5):
            # what is of another region costs nothing
            regions = [self.account.region, *(self.rng.choice((self.account.region, "eu-west-1")) for _ in rows[1:])]
            values = ", ".join(f"({quote(row[1])}, {quote(row[2])}, {row[3]}, {quote(region)})"
                               for row, region in zip(rows, regions))
            table = f"(VALUES {values}) AS l(app, def, run, region)"
            clauses.append(f"{first.find('region')[0].sql} = l.region")
            rows = [row for row, region in zip(rows, regions) if region == self.account.region]
        self.shown = []
        source = self._add(table, first, clauses, ("JOIN", "JOIN", "LEFT JOIN", "CROSS JOIN", "EXISTS", "NOT EXISTS"))
        if self.shown:
            for other in others:
                source = self._add(source, other, self._tie(first, other), ("JOIN", "CROSS JOIN", "LEFT JOIN"))
        self.relations = [first, *others] if self.shown else [first]
        self.keys = sorted({tuple(row[1:4]) for row in rows})
        return source, list(self.rng.choice(LOCAL_SETTINGS))

    # -- the query ------------------------------------------------------------------------------

    def make(self):
        source, settings = self.constants() if self.chance(0.6) else self.local()
        columns = self.generator.output_columns(self.shown, 5) if self.shown and self.chance(0.85) else []
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(columns)] or ["count(*)"]
        self.rng.shuffle(self.where)
        query = Query(self.generator.number, "rows", settings=settings, select=select, source=source, where=self.where)
        query.expected = self.minimum(columns)
        return query

    def minimum(self, columns):
        account, result = self.account, Minimum()
        pairs = {key[:2] for key in self.keys}
        result.by_application = True
        events = {relation.alias for relation in self.relations
                  if self.world.tables[relation.table][0] == "run_events"}
        if len(events) < len(self.relations):
            result.calls["GetExperimentRun"] = len(self.keys)
        if events:
            # an event does not say whose it is: that the identifiers are ids has to be proved
            result.calls["ListExperimentRunEvents"] = sum(pages(len(account.events.get(key, ()))) for key in self.keys)
            result.calls["GetExperimentDefinition"] = len(pairs)
        if any(column.source == "application_name" for column in columns):
            result.calls["GetApplication"] = len({pair[0] for pair in pairs})
        if any(column.source == "experiment_definition_name" for column in columns):
            result.calls["GetExperimentDefinition"] = max(result.calls["GetExperimentDefinition"], len({
                key[:2] for key in self.keys
                if "Name" not in (account.runs.get(key, {}).get("ExperimentDefinitionSnapshot") or {})}))
        return result


def generate(world, seed, number):
    return _Joiner(world, seed, number).make()
