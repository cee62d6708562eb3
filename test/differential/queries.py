"""Random queries, each from a seed alone.

`generate(world, seed, number)` gives a Query: a text that runs over the schemas f and c alike, the
settings that it runs under, and how its results are to be compared.  Nothing here executes anything.
Expressions whose value is open (ties, order of summation, representatives of a nondeterministic
collation) are avoided or made definite, so that results can be compared byte for byte.
"""

import random
from dataclasses import dataclass, field, replace

TEXT_TYPES = ("text", "varchar", "name", "char")
COLLATE_C = chr(34) + "C" + chr(34)

SWITCHES = ("enable_nestloop", "enable_hashjoin", "enable_mergejoin", "enable_memoize", "enable_material",
            "enable_sort", "enable_hashagg", "enable_incremental_sort", "enable_indexscan", "enable_bitmapscan")
OTHER_SETTINGS = ("join_collapse_limit = 1", "from_collapse_limit = 1", "work_mem = '64kB'", "geqo_threshold = 2",
                  "force_parallel_mode = on", "enable_partitionwise_join = on", "constraint_exclusion = on",
                  "cursor_tuple_fraction = 1.0", "enable_async_append = off", "hash_mem_multiplier = 1",
                  "enable_partition_pruning = off", "random_page_cost = 1000", "cpu_tuple_cost = 10")

LOCAL_TABLES = {
    "keys": (("id", "integer", None, None), ("app", "text", None, "application_id"),
             ("def", "text", None, "experiment_definition_id"), ("run", "integer", None, "run"),
             ("app_name", "text", None, "application_name"), ("def_name", "text", None, "experiment_definition_name"),
             ("tkey", "text", None, "treatment_key"), ("state", "text", None, "status")),
    "odd_keys": (("id", "integer", None, None), ("vapp", "varchar", None, "application_id"),
                 ("ndef", "name", None, "experiment_definition_id"), ("capp", "char", None, "application_id"),
                 ("run8", "bigint", None, "run"), ("run2", "smallint", None, "run"), ("runn", "numeric", None, "run"),
                 ("dapp_name", "text", None, "application_name"), ("ddef", "text", None, "experiment_definition_id"),
                 ("drun", "integer", None, "run"), ("ndapp", "text", "nd", "application_id"),
                 ("cdef", "text", "C", "experiment_definition_id"), ("nddef", "text", "nd", "experiment_definition_id")),
    "nothing": (("id", "integer", None, None), ("app", "text", None, "application_id"),
                ("def", "text", None, "experiment_definition_id"), ("run", "integer", None, "run")),
    "one": (("id", "integer", None, None), ("app", "text", None, "application_id"),
            ("def", "text", None, "experiment_definition_id"), ("run", "integer", None, "run")),
}

IDENTITIES = ("application_id", "experiment_definition_id", "run", "application_name", "experiment_definition_name",
              "environment_id", "configuration_profile_id", "environment_name", "configuration_profile_name")
MORE_JOINS = ("status", "treatment_key", "description", "flag_key")


def quote(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def kind_of(declared):
    """A declared type as what it behaves like."""
    declared = declared.replace("shared.", "")
    if declared.startswith("varchar") or declared == "short_identifier":
        return "varchar"
    return {"identifier": "text", "nested_identifier": "text", "run_number": "integer", "big_number": "bigint"}.get(
        declared, declared)


@dataclass
class Column:
    relation: str
    name: str
    kind: str
    collation: str
    source: str

    @property
    def sql(self):
        return f'{self.relation}."{self.name}"' if self.relation else f'"{self.name}"'

    @property
    def is_text(self):
        return self.kind in TEXT_TYPES

    @property
    def is_number(self):
        return self.kind in ("integer", "bigint", "smallint", "numeric")

    @property
    def bytewise(self):
        """As text under a collation that leaves nothing open."""
        return f'{self.sql}::text COLLATE "C"'


@dataclass
class Relation:
    alias: str
    table: str
    columns: list
    foreign: bool
    focus: dict
    inline: tuple = ()                # instead of a table: what stands before and after "AS alias"

    def find(self, source):
        return [column for column in self.columns if column.source == source]


@dataclass
class Query:
    """One query.  parts is what reduce() can take away: lists of texts that stand between connectives."""
    number: int
    kind: str                         # rows, ordered, limit, prepared, cursor
    settings: list = field(default_factory=list)
    prefix: str = ""                  # INSERT INTO
    ctes: list = field(default_factory=list)
    distinct: str = ""
    select: list = field(default_factory=list)
    source: str = ""
    where: list = field(default_factory=list)
    group: str = ""
    having: str = ""
    order: str = ""
    limit: str = ""
    tail: str = ""                    # set operations
    types: list = field(default_factory=list)
    arguments: list = field(default_factory=list)   # lists of values, one for each EXECUTE
    fetches: list = field(default_factory=list)
    once: bool = True                 # may each call happen only once in a statement?
    expected: object = None           # Minimum, where the calls are known
    note: str = ""

    def text(self, limit=True):
        parts = [self.prefix] if self.prefix else []
        if self.ctes:
            parts.append("WITH " + ", ".join(self.ctes))
        parts.append(f"SELECT {self.distinct}{', '.join(self.select)}")
        if self.source:
            parts.append(f"FROM {self.source}")
        if self.where:
            parts.append("WHERE " + " AND ".join(f"({clause})" for clause in self.where))
        parts += [part for part in (self.group, self.having, self.tail, self.order, self.limit if limit else "") if part]
        return "\n".join(parts)

    def statements(self, limit=True):
        """The statements whose results count, with None before those that only prepare."""
        text = self.text(limit)
        if self.kind == "prepared":
            types = f"({', '.join(self.types)})" if self.types else ""
            yield False, f"PREPARE q{types} AS {text}"
            for values in self.arguments:
                yield True, f"EXECUTE q({', '.join(values)})" if values else "EXECUTE q"
            yield False, "DEALLOCATE q"
        elif self.kind == "cursor":
            yield False, f"DECLARE c {self.note} FOR {text}"
            for fetch in self.fetches:
                yield True, f"{fetch} c"
            yield False, "CLOSE c"
        else:
            yield True, text

    def smaller(self):
        """Queries with one part less, for finding what a failure takes."""
        for index in range(len(self.where)):
            yield replace(self, where=self.where[:index] + self.where[index + 1:])
        if self.kind == "rows" and not self.group and not self.tail and not self.distinct and not self.prefix:
            for index in range(len(self.select)):
                if len(self.select) > 1:
                    yield replace(self, select=self.select[:index] + self.select[index + 1:])
        for index in range(len(self.settings)):
            yield replace(self, settings=self.settings[:index] + self.settings[index + 1:])
        if len(self.arguments) > 1:
            for index in range(len(self.arguments)):
                yield replace(self, arguments=self.arguments[:index] + self.arguments[index + 1:])


class Generator:
    def __init__(self, world, seed, number):
        self.world = world
        self.account = world.account
        self.rng = random.Random(f"{seed}/{number}")
        self.number = number
        self.aliases = 0
        self.parameters = None        # of a prepared statement: list of (type, list of literals)
        self.focus = self._focus()
        self.once = True
        self.full = False             # has the last FROM clause a FULL JOIN that WHERE is not to reduce?

    # -- choices --------------------------------------------------------------------------------

    def chance(self, probability):
        return self.rng.random() < probability

    def pick(self, *choices):
        return self.rng.choice(choices)

    def weighted(self, **weights):
        return self.rng.choices(list(weights), list(weights.values()))[0]

    def _focus(self):
        """Keys that belong together, which predicates like to name, so that results aren't all empty."""
        account = self.account
        if self.chance(0.6):
            application, definition, run = self.rng.choice(sorted(account.runs))
            # the account's bigger half repeats itself
            if application in ("many120", "app120x") and self.chance(0.5):
                application, definition, run = self.rng.choice(
                    [key for key in sorted(account.runs) if key[0] in ("quirks1", "shop4x1", "nasty01", "nasty02")])
        else:
            application, definition = self.rng.choice(sorted(account.definitions))
            run = self.pick(1, 2, 3)
        document = account.definitions[application, definition]
        return {"application_id": application, "experiment_definition_id": definition, "run": run,
                "application_name": account.applications[application].get("Name"),
                "experiment_definition_name": document.get("Name"),
                "environment_id": document.get("EnvironmentId"),
                "configuration_profile_id": document.get("ConfigurationProfileId"),
                "status": self.pick("DONE", "RUNNING", "IDLE", "ARCHIVED")}

    # -- relations ------------------------------------------------------------------------------

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases}"

    def relation(self, table=None, foreign=None):
        if table is None:
            if foreign is None:
                foreign = self.chance(0.8)
            if foreign:
                names = list(self.world.tables)
                weights = [{"experiment_runs": 8, "treatments": 3, "attribute_values": 2, "experiment_definitions": 5,
                            "run_events": 2}.get(name, 1) for name in names]
                table = self.rng.choices(names, weights)[0]
            elif self.chance(0.15):
                return self.inline_relation()
            else:
                table = self.rng.choices(list(LOCAL_TABLES), (6, 4, 0.3, 1))[0]
        alias = self.alias()
        if table in LOCAL_TABLES:
            columns, foreign = LOCAL_TABLES[table], False
        else:
            columns, foreign = self.world.tables[table][1], True
        made = [Column(alias, name, kind_of(kind), collation or "default", source)
                for name, kind, collation, source in columns]
        return Relation(alias, table, made, foreign, self.focus)

    def inline_relation(self):
        """Keys that stand in the query itself: VALUES, unnest(), generate_series()."""
        alias, kind = self.alias(), self.pick("values", "unnest", "series")
        sources = {"app": "application_id", "def": "experiment_definition_id", "run": "run"}

        def made(*names):
            return [Column(alias, name, "integer" if name == "run" else "text", "default", sources[name]) for name in names]

        count = self.rng.choice((1, 2, 3, 8))
        runs = [self.rng.choice(sorted(self.account.runs)) for _ in range(count)]
        if self.chance(0.7):
            runs.append(tuple(self.focus[source] for source in IDENTITIES[:3]))
        if kind == "values":
            rows = ", ".join(f"({quote(application)}, {quote(definition)}, {run})" for application, definition, run in runs)
            return Relation(alias, kind, made("app", "def", "run"), False, self.focus, (f"(VALUES {rows})", "(app, def, run)"))
        if kind == "series":
            series = f"generate_series({self.rng.randrange(-1, 4)}, {self.rng.randrange(2, 9)})"
            return Relation(alias, kind, made("run"), False, self.focus, (series, "(run)"))
        place = self.pick(0, 1)
        column = made(("app", "def")[place])
        array = self.parameter("text[]", quote("{" + ",".join(run[place] for run in runs) + "}") + "::text[]")
        return Relation(alias, kind, column, False, self.focus, (f"unnest({array})", f"({column[0].name})"))

    def pool(self, column, relation):
        """Values that stand somewhere in the column."""
        if relation is None or not relation.foreign:
            for object_name in ("experiment_runs", "treatments"):
                values = self.account.pools[object_name].get(column.source)
                if values:
                    return values
            return []
        return self.account.pools[self.world.tables[relation.table][0]].get(column.source, [])

    # -- values ---------------------------------------------------------------------------------

    def parameter(self, kind, literal):
        """The literal, or a parameter of the prepared statement that has it in its first execution."""
        if self.parameters is None or not self.chance(0.6):
            return literal
        self.parameters.append((kind, literal))
        return f"${len(self.parameters)}"

    def text_value(self, column, relation):
        """A Python text that the column might be compared with."""
        pool = self.pool(column, relation)
        if self.chance(0.55) and self.focus.get(column.source) is not None:
            value = str(self.focus[column.source])
        elif pool:
            value = str(self.rng.choice(pool))
        else:
            value = self.pick("x", "c", "t1", "")
        roll = self.rng.random()
        if roll < 0.03:
            return value.swapcase()
        if roll < 0.045:
            return value + self.pick(" ", "   ", "\t")
        if roll < 0.06:
            return self.pick("", " ", ".", "..", "a/b", "%", "nosuch1", "zzzzz99", "é composed", "NULL")
        if roll < 0.065:
            return "x" * self.pick(64, 65, 2048, 2049)
        if roll < 0.09:
            names = sorted(self.account.names)
            return self.rng.choice(names)
        if roll < 0.1:
            return value[:-1]
        return value

    def text_literal(self, column, relation, typed=True):
        value = self.text_value(column, relation)
        kinds = ("", "", "", "::text", "::varchar", "::name", "::shared.identifier", "::bpchar", "::varchar(2000)",
                 "::shared.nested_identifier")
        kind = self.rng.choice(kinds) if typed else ""
        if self.chance(0.02):
            return "NULL::text"
        # a name's collation would contradict a column's own
        if kind == "::name" and (len(value.encode()) > 63 or column.collation != "default"):
            kind = "::text"
        parameter_kind = kind[2:] or "text"
        text = self.parameter(parameter_kind, quote(value) + kind)
        return f"shared.same({text})" if self.chance(0.03) and parameter_kind in ("text", "varchar") else text

    def number_value(self):
        roll = self.rng.random()
        if roll < 0.5:
            return self.focus["run"]
        if roll < 0.85:
            return self.rng.randrange(1, 8)
        if roll < 0.92:
            return self.pick(20, 40, 41, 100, 117, 118, 120, 121)
        return self.pick(0, -1, -5, 2147483647, 2147483648, 4294967297, -2147483648, 9223372036854775807)

    def number_literal(self, typed=True):
        value = self.number_value()
        kind = self.pick("", "", "", "::bigint", "::integer", "::smallint", "::shared.big_number", "::shared.run_number")
        if not typed:
            kind = ""
        if kind in ("::integer", "::shared.run_number") and not -2147483648 <= value <= 2147483647 or \
                kind == "::smallint" and not -32768 <= value <= 32767:
            kind = "::bigint"
        if kind == "::shared.run_number" and value <= 0:
            kind = "::integer"
        if self.chance(0.02):
            return "NULL::integer"
        parameter_kind = kind[2:] or ("integer" if -2147483648 <= value <= 2147483647 else "bigint")
        return self.parameter(parameter_kind, f"({value}){kind}" if value < 0 or kind else str(value))

    def array_literal(self, column, relation):
        count = self.rng.choices((0, 1, 2, 3, 5, 30), (1, 4, 6, 4, 3, 1))[0]
        null = self.chance(0.12)
        if column.is_number:
            values = [self.number_value() for _ in range(count)]
            kind = self.pick("integer[]", "bigint[]", "bigint[]", "smallint[]", "integer[]")
            low, high = {"smallint[]": (-32768, 32767), "integer[]": (-2**31, 2**31 - 1)}.get(kind, (-2**63, 2**63 - 1))
            values = [str(value) for value in values if low <= value <= high] + (["NULL"] if null else [])
            if self.chance(0.08) and len(values) > 1:
                values = [f"{{{value}}}" for value in values]
            return self.parameter(kind, quote("{" + ",".join(values) + "}") + "::" + kind)
        kind = self.pick("text[]", "text[]", "varchar[]", "name[]" if column.collation == "default" else "text[]",
                         "shared.identifier[]")
        values = [self.text_value(column, relation) for _ in range(count)]
        if kind == "name[]":
            values = [value for value in values if len(value.encode()) <= 63]
        if self.chance(0.5):
            items = ", ".join([quote(value) for value in values] + (["NULL"] if null else []))
            return self.parameter(kind, f"ARRAY[{items}]::{kind}")
        items = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
        return self.parameter(kind, quote("{" + ",".join(items + (["NULL"] if null else [])) + "}") + "::" + kind)

    def value_list(self, column, relation, null_chance=0.1):
        count = self.rng.choices((1, 2, 3, 5, 12), (3, 5, 4, 2, 0.5))[0]
        values = [self.number_literal(typed=self.chance(0.3)) if column.is_number else
                  self.text_literal(column, relation, typed=self.chance(0.2)) for _ in range(count)]
        return ", ".join(values + (["NULL"] if self.chance(null_chance) else []))

    # -- predicates -----------------------------------------------------------------------------

    def text_predicate(self, column, relation):
        c = column.sql
        nd = column.collation == "nd"
        value = self.text_literal
        roll = self.weighted(equal=10, swapped=2, isin=4, notin=1, any=4, all=1, notany=1, cast=3, collate=3, null=1,
                             notnull=1, distinct=2, like=2, function=2, order=2, case=1.5, boolean=1.5, subquery=2,
                             volatile=1, coalesce=1, differs=1, null_equal=0.3, concatenated=0.5, itself=0.5)
        one = value(column, relation)
        if roll == "equal":
            return f"{c} = {one}"
        if roll == "swapped":
            return f"{one} = {c}"
        if roll == "isin":
            return f"{c} IN ({self.value_list(column, relation)})"
        if roll == "notin":
            return f"{c} NOT IN ({self.value_list(column, relation, 0.05)})"
        if roll == "any":
            return f"{c} = ANY ({self.array_literal(column, relation)})"
        if roll == "all":
            return f"{c} {self.pick('=', '<>')} ALL ({self.array_literal(column, relation)})"
        if roll == "notany":
            return f"NOT ({c} = ANY ({self.array_literal(column, relation)}))"
        if roll == "cast":
            kind = self.pick("varchar", "name", "bpchar", "text", "shared.identifier", "varchar(4)", "char(7)", "varchar(7)")
            return f"{c}::{kind} = {one}" if self.chance(0.6) else \
                f"{c}::{kind} = {quote(self.text_value(column, relation))}::{kind}"
        if roll == "collate":
            collation = self.pick('"C"', "shared.nocase", '"en-x-icu"', '"default"', '"C"')
            left, right = (f"{c} COLLATE {collation}", one) if self.chance(0.5) else (c, f"{one} COLLATE {collation}")
            if column.kind == "name":
                left = f"{c}::text COLLATE {collation}" if left != c else left
            return f"{left} {self.pick('=', '=', '=', '<>', '>=')} {right}" if self.chance(0.7) else \
                f"{left} = ANY (ARRAY[{quote(self.text_value(column, relation))}, " \
                f"{quote(self.text_value(column, relation))}] COLLATE {collation})"
        if roll == "null":
            return f"{c} IS NULL"
        if roll == "notnull":
            return f"{c} IS NOT NULL"
        if roll == "distinct":
            return f"{c} IS {self.pick('', 'NOT ')}DISTINCT FROM {one}"
        if roll == "like":
            text = self.text_value(column, relation)
            start = text[:self.rng.randrange(1, 6)].replace("\\", "\\\\")
            left = f'{c} COLLATE "C"' if nd else c
            if column.kind == "name" and nd:
                left = c
            return self.pick(f"{left} LIKE {quote(start + '%')}", f"{left} ILIKE {quote(start + '%')}",
                             f"{left} LIKE {quote(text.replace(chr(92), chr(92) * 2))}",
                             f"starts_with({left}::text, {quote(text[:3])})",
                             f"{left} NOT LIKE {quote('%' + text[-2:].replace(chr(92), ''))}",
                             f"{left} ~ {quote('^[a-m]')}", f"{left} SIMILAR TO '(q|s)%'")
        if roll == "function":
            return self.pick(f"lower({c}) = lower({one}::text)",
                             f"length({c}::text) {self.pick('=', '<', '>')} {self.rng.randrange(12)}",
                             f"{c} || '' = {one}", f"trim({c}) = {one}", f"md5({c}::text) < '8'",
                             f"shared.same({c}::text) = {one}",
                             f"reverse({c}::text) = reverse({one}::text)", f"substr({c}, 1, 4) = substr({one}::text, 1, 4)")
        if roll == "order":
            operator = self.pick("<", "<=", ">", ">=")
            return self.pick(f"{c} {operator} {one}", f"{c} BETWEEN {one} AND {value(column, relation)}",
                             f"{c} BETWEEN SYMMETRIC {one} AND {value(column, relation)}",
                             f"{c}::text ~{operator}~ {one}::text")
        if roll == "case":
            return self.pick(f"CASE WHEN {c} = {one} THEN true ELSE {c} IS NULL END", f"nullif({c}, {one}) IS NULL",
                             f"CASE {c} WHEN {one} THEN 1 WHEN {value(column, relation)} THEN 2 END = {self.pick(1, 2)}")
        if roll == "boolean":
            return f"({c} = {one}) IS {self.pick('TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE', 'UNKNOWN', 'NOT UNKNOWN')}"
        if roll == "subquery":
            other = self.pick("app", "def", "app_name", "def_name", "state", "tkey")
            return self.pick(
                f"{c} = (SELECT min({other}) FROM shared.keys WHERE id > {self.rng.randrange(60)})",
                f"{c} IN (SELECT {other} FROM shared.keys WHERE id < {self.rng.randrange(60)})",
                f"{c} = ANY (ARRAY(SELECT {other} FROM shared.keys WHERE id % {self.rng.randrange(2, 20)} = 0))",
                f"{c} = ANY ((SELECT {self.pick('apps', 'defs')} "
                f"FROM shared.arrays WHERE id = {self.rng.randrange(10)})::text[])",
                f"{c} = (SELECT {other} FROM shared.keys WHERE false)",
                f"{c} NOT IN (SELECT {other} FROM shared.keys WHERE id < {self.rng.randrange(60)} AND {other} IS NOT NULL)")
        if roll == "volatile":
            return self.pick(f"{c} = shared.volatile_same({one}::text)", f"({c} = {one} AND random() < 2)",
                             f"({c} = {one} OR random() > 2)")
        if roll == "coalesce":
            return f"coalesce({c}, {quote(self.text_value(column, relation))}) = {one}"
        if roll == "differs":
            return f"{c} <> {one}" if self.chance(0.5) else f"NOT {c} = {one}"
        if roll == "null_equal":
            return f"{c} = NULL"
        if roll == "concatenated":
            text = self.text_value(column, relation)
            return f"{c} = {quote(text[:3])}::text || {quote(text[3:])}::text"
        return f"{c} = {c}"

    def number_predicate(self, column):
        c = column.sql
        one = self.number_literal()
        low, high = sorted((self.number_value(), self.number_value()))
        roll = self.weighted(equal=8, swapped=2, isin=4, notin=1, any=4, all=1, between=4, order=6, cast=2, null=0.5,
                             notnull=0.5, distinct=1, arithmetic=2, anyorder=1.5, boolean=1, subquery=2, volatile=1, differs=1,
                             case=1, float=3)
        order = self.pick("<", "<=", ">", ">=")
        if roll == "equal":
            return f"{c} = {one}"
        if roll == "swapped":
            return f"{one} {self.pick('=', order)} {c}"
        if roll == "isin":
            return f"{c} IN ({self.value_list(column, None)})"
        if roll == "notin":
            return f"{c} NOT IN ({self.value_list(column, None, 0.05)})"
        if roll == "any":
            return f"{c} = ANY ({self.array_literal(column, None)})"
        if roll == "all":
            return f"{c} {self.pick('=', '<>', order)} ALL ({self.array_literal(column, None)})"
        if roll == "anyorder":
            return f"{c} {order} ANY ({self.array_literal(column, None)})"
        if roll == "between":
            return self.pick(f"{c} BETWEEN {low} AND {high}", f"{c} BETWEEN SYMMETRIC {high} AND {low}",
                             f"{c} BETWEEN {one} AND {self.number_literal()}", f"{c} > {low} AND {c} < {high}",
                             f"{c} NOT BETWEEN {low} AND {high}", f"{low} <= {c} AND {high} >= {c}")
        if roll == "order":
            return f"{c} {order} {one}"
        if roll == "cast":
            return self.pick(f"{c}::bigint = {one}", f"{c}::text = {quote(self.number_value())}", f"{c}::numeric = {one}",
                             f"{c} = {one}::numeric", f"{c}::shared.big_number = {one}", f"{c} = {self.number_value()}.0",
                             f"{c} = {self.number_value()}.5", f"{c}::bigint {order} {one}")
        if roll == "null":
            return f"{c} IS NULL"
        if roll == "notnull":
            return f"{c} IS NOT NULL"
        if roll == "distinct":
            return f"{c} IS {self.pick('', 'NOT ')}DISTINCT FROM {one}"
        if roll == "arithmetic":
            return self.pick(f"{c} % 2 = {self.pick(0, 1)}", f"{c} + 0 = {one}", f"-{c} = -(({one})::numeric)",
                             f"{c}::numeric * 2 {order} {self.rng.randrange(12)}", f"abs({c}) = {one}",
                             f"{c}::numeric - 1 = {one}")
        if roll == "boolean":
            return f"({c} {self.pick('=', order)} {one}) IS {self.pick('TRUE', 'NOT TRUE', 'FALSE', 'UNKNOWN', 'NOT UNKNOWN')}"
        if roll == "subquery":
            n = self.rng.randrange(60)
            return self.pick(f"{c} = (SELECT max(run) FROM shared.keys WHERE id < {n} AND run < 100)",
                             f"{c} IN (SELECT run FROM shared.keys WHERE id < {n})",
                             f"{c} = ANY (ARRAY(SELECT run::bigint FROM shared.keys WHERE id > {n}))",
                             f"{c} = ANY ((SELECT {self.pick('runs', 'runs8::bigint[]')} "
                             f"FROM shared.arrays WHERE id = {n % 10})::bigint[])",
                             f"{c} {order} (SELECT min(run2) FROM shared.odd_keys WHERE id > {n})",
                             f"{c} NOT IN (SELECT run FROM shared.keys WHERE id < {n} AND run IS NOT NULL)")
        if roll == "volatile":
            return self.pick(f"{c} = shared.volatile_same({self.number_value() % 1000})",
                             f"{c} = {one} + floor(random())::integer",
                             f"({c} = {one} AND random() < 2)")
        if roll == "differs":
            return f"{c} <> {one}" if self.chance(0.5) else f"NOT {c} {order} {one}"
        if roll == "case":
            return self.pick(f"CASE WHEN {c} = {one} THEN true ELSE {c} IS NULL END", f"nullif({c}, {one}) IS NULL",
                             f"coalesce({c}, 1) = {one}", f"shared.same_strict({c}::integer) = {one}")
        return f"{c}::double precision {self.pick('=', order)} {self.pick('1', '1.5', '2.0')}::double precision"

    def other_predicate(self, column, relation):
        c = column.sql
        order = self.pick("<", "<=", ">", ">=", "=", "<>")
        if self.chance(0.15):
            return f"{c} IS {self.pick('', 'NOT ')}NULL"
        if column.kind == "timestamptz":
            pool = self.pool(column, relation)
            moment = quote(self.rng.choice(pool)) + "::timestamptz" if pool and self.chance(0.6) else \
                self.pick("'2026-08-01'::timestamptz", "'2026-08-01'::date", "'2025-01-01 00:00:00'::timestamp",
                          "'infinity'::timestamptz")
            return self.pick(f"{c} {order} {moment}", f"{c} {order} {moment}", f"{c}::date {order} '2026-08-01'",
                             f"date_trunc('day', {c}) {order} '2026-08-01Z'::timestamptz",
                             f"extract(month FROM {c}) = {self.rng.randrange(1, 13)}",
                             f"coalesce({c}, '2026-08-02') {order} {moment}",
                             f"{c} - interval '1 day' {order} {moment}")
        if column.kind == "double precision":
            number = self.pick("50", "12.5", "33.3", "0", "-0.0", "NaN", "1e300", "100", "1", "Infinity")
            return f"{c} {order} '{number}'::double precision"
        if column.kind == "boolean":
            return self.pick(c, f"NOT {c}", f"{c} IS TRUE", f"{c} IS NOT TRUE", f"{c} = false", f"{c} IS UNKNOWN")
        if column.kind == "jsonb":
            return self.pick(f"{c} @> '{{}}'", f"{c} ? 'color'", f"{c}::text LIKE '%t1%'", f"jsonb_typeof({c}) = 'object'",
                             f"{c} = '{{}}'",
                             f"{c} <> '[]'", f"{c} -> 'Treatments' IS NOT NULL", f"jsonb_path_exists({c}, '$.**.StringValue')")
        if column.kind == "text[]":
            return self.pick(f"'a,b' = ANY ({c})", f"array_length({c}, 1) > 1", f"{c} @> '{{de}}'", f"{c} = '{{}}'",
                             f"cardinality({c}) = 0",
                             f"'JSON_SCHEMA' = ANY ({c})")
        return self.pick(f"0 = ANY ({c})", f"array_length({c}, 1) > 1", f"{c} = '{{}}'", f"{c}[1] > 1")

    def predicate_on(self, column, relation):
        if column.is_text:
            return self.text_predicate(column, relation)
        if column.is_number:
            return self.number_predicate(column)
        return self.other_predicate(column, relation)

    def choose_column(self, relation):
        weights = [6 if column.source in ("application_id", "experiment_definition_id", "run") else
                   2.5 if column.source in IDENTITIES or column.source in MORE_JOINS else 0.7 for column in relation.columns]
        return self.rng.choices(relation.columns, weights)[0]

    def row_predicate(self, relation):
        """Row-wise comparisons of several keys."""
        columns = [column for column in relation.columns if column.source in IDENTITIES[:5] and column.collation == "default"]
        if len(columns) < 2:
            return self.predicate_on(self.choose_column(relation), relation)
        chosen = self.rng.sample(columns, self.rng.randrange(2, min(len(columns), 3) + 1))

        def values(plain=False):
            if self.chance(0.5):
                application, definition, run = self.rng.choice(sorted(self.account.runs))
            else:
                application, definition, run = (self.focus[key] for key in IDENTITIES[:3])
            names = {"application_id": application, "experiment_definition_id": definition, "run": run,
                     "application_name": self.account.applications[application]["Name"],
                     "experiment_definition_name": self.account.definitions[application, definition]["Name"]}
            return "(" + ", ".join(
                ("NULL" if self.chance(0.03) and not plain else str(names[column.source]) if column.is_number else
                 quote(names[column.source]) if self.chance(0.9) else quote(self.text_value(column, relation)))
                for column in chosen) + ")"

        row = "(" + ", ".join(column.sql for column in chosen) + ")"
        count = self.rng.randrange(1, 5)
        roll = self.weighted(isin=6, equal=2, less=1.5, notin=1, distinct=1, values=1, subquery=3, differs=0.5)
        if roll == "isin":
            return f"{row} IN ({', '.join(values() for _ in range(count))})"
        if roll == "notin":
            return f"{row} NOT IN ({', '.join(values() for _ in range(count))})"
        if roll == "equal":
            return f"{row} = {values()}"
        if roll == "differs":
            return f"{row} <> {values()}"
        if roll == "less":
            return f"{row} {self.pick('<', '<=', '>', '>=')} {values()}"
        if roll == "distinct":
            return f"ROW{row} IS {self.pick('', 'NOT ')}DISTINCT FROM ROW{values(True)}"
        if roll == "values":
            if any(column.kind not in ("text", "integer", "bigint") for column in chosen):
                return f"{row} = {values()}"
            return f"{row} IN (VALUES {', '.join(values(True) for _ in range(count))})"
        locals_ = {"application_id": "app", "experiment_definition_id": "def", "run": "run", "application_name": "app_name",
                   "experiment_definition_name": "def_name"}
        names = ", ".join(locals_[column.source] for column in chosen)
        condition = f"id < {self.rng.randrange(60)}"
        if self.chance(0.2):
            condition += "".join(f" AND {locals_[column.source]} IS NOT NULL" for column in chosen)
            return f"{row} NOT IN (SELECT {names} FROM shared.keys WHERE {condition})"
        return f"{row} IN (SELECT {names} FROM shared.keys WHERE {condition})"

    def predicate(self, relation, depth=2):
        roll = self.rng.random()
        if depth > 0 and roll < 0.18:
            arms = [self.predicate(relation, depth - 1) for _ in range(self.rng.randrange(2, 4))]
            return "(" + " OR ".join(arms) + ")"
        if depth > 0 and roll < 0.27:
            arms = [self.predicate(relation, depth - 1) for _ in range(2)]
            return "(" + " AND ".join(arms) + ")"
        if depth > 0 and roll < 0.31:
            return f"NOT ({self.predicate(relation, depth - 1)})"
        if depth > 0 and roll < 0.36:
            return self.or_of_keys(relation)
        if depth > 0 and roll < 0.39:
            return self.product_of_keys(relation)
        if roll < 0.46:
            return self.row_predicate(relation)
        return self.predicate_on(self.choose_column(relation), relation)

    def or_of_keys(self, relation):
        """(app = .. AND def = .. AND run = ..) OR (...)"""
        columns = [column for column in relation.columns if column.source in IDENTITIES[:5]]
        if not columns:
            return self.predicate_on(self.choose_column(relation), relation)
        arms = []
        for _ in range(self.rng.randrange(2, 4)):
            application, definition, run = self.rng.choice(sorted(self.account.runs)) if self.chance(0.6) else \
                (self.focus[key] for key in IDENTITIES[:3])
            names = {"application_id": application, "experiment_definition_id": definition, "run": run,
                     "application_name": self.account.applications[application]["Name"],
                     "experiment_definition_name": self.account.definitions.get((application, definition), {}).get("Name")}
            chosen = self.rng.sample(columns, self.rng.randrange(1, min(len(columns), 3) + 1))
            arms.append("(" + " AND ".join(
                f"{column.sql} = {names[column.source] if column.is_number else quote(names[column.source])}"
                if self.chance(0.9) else self.predicate_on(column, relation) for column in chosen) + ")")
        return "(" + " OR ".join(arms) + ")"

    def product_of_keys(self, relation):
        """app = ANY (...) AND def = ANY (...) AND run = ANY (...), of so many that lists can be worth it."""
        runs = self.rng.sample(sorted(self.account.runs), self.rng.randrange(2, 25))
        values = {"application_id": [run[0] for run in runs], "experiment_definition_id": [run[1] for run in runs],
                  "application_name": [self.account.applications[run[0]]["Name"] for run in runs],
                  "experiment_definition_name": [self.account.definitions[run[:2]]["Name"] for run in runs],
                  "run": [str(number) for number in range(1, self.rng.randrange(2, 40))]}
        clauses = []
        for column in relation.columns:
            if column.source in values and column.collation == "default" and self.chance(0.8):
                items = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values[column.source]]
                kind = "integer[]" if column.is_number else "text[]"
                clauses.append(f"{column.sql} = ANY ({self.parameter(kind, quote('{' + ','.join(items) + '}') + '::' + kind)})")
        if not clauses:
            return self.predicate_on(self.choose_column(relation), relation)
        return "(" + " AND ".join(clauses) + ")"

    def key_predicates(self, relation):
        """Equalities on some of the focus' keys."""
        clauses = []
        for column in relation.columns:
            value = self.focus.get(column.source)
            if column.source not in IDENTITIES[:5] or value is None:
                continue
            wanted = {"application_id": 0.55, "experiment_definition_id": 0.5, "run": 0.3}.get(column.source, 0.12)
            if self.chance(wanted):
                clauses.append(f"{column.sql} = " + self.parameter(
                    "integer" if column.is_number else "text", str(value) if column.is_number else quote(value)))
        return clauses

    def clauses(self, relation, most=3):
        clauses = self.key_predicates(relation) if self.chance(0.5) else []
        return clauses + [self.predicate(relation) for _ in range(self.rng.choices(range(most + 1), (3, 5, 3, 1)[:most + 1])[0])]

    # -- joins ----------------------------------------------------------------------------------

    def equality(self, one, other):
        """A join clause; explicit where the collations would contradict each other."""
        if one.is_text and one.collation != other.collation and not one.collation == other.collation == "default":
            collation = self.pick('"C"', "shared.nocase", '"default"')
            return f"{one.sql}::text COLLATE {collation} = {other.sql}::text"
        if one.is_text and self.chance(0.05):
            # hash joins of text with name go wrong in PostgreSQL itself under a nondeterministic collation
            return f"{one.sql}::text COLLATE {self.pick(COLLATE_C, 'shared.nocase')} = {other.sql}::text"
        if one.is_number and self.chance(0.05):
            return f"{one.sql} + 0 = {other.sql}"
        return f"{one.sql} = {other.sql}"

    def join_clauses(self, left, right, plain=False):
        """Clauses that tie a relation to the ones before it, tightly enough that results stay small."""
        pairs = []
        for source in (*IDENTITIES, *MORE_JOINS):
            for one in left:
                for mine in one.find(source):
                    for yours in right.find(source):
                        pairs.append((source, mine, yours))
        if not pairs:
            return None
        clauses = []
        wanted = [pair for pair in pairs if pair[0] in ("application_id", "experiment_definition_id", "run")]
        for source in ("application_id", "experiment_definition_id", "run"):
            choices = [pair for pair in wanted if pair[0] == source]
            if choices and self.chance({"application_id": 0.8, "experiment_definition_id": 0.9, "run": 0.6}[source]):
                clauses.append(self.equality(*self.rng.choice(choices)[1:]))
        others = [pair for pair in pairs if pair not in wanted]
        if others and (not clauses or self.chance(0.25)):
            clauses.append(self.equality(*self.rng.choice(others)[1:]))
        if not clauses:
            clauses.append(self.equality(*self.rng.choice(pairs)[1:]))
        if not plain and self.chance(0.2):
            clauses.append(self.predicate(self.rng.choice([*left, right]), 1))
        if not plain and self.chance(0.1):
            numbers = [(mine, yours) for one in left for mine in one.find("run") for yours in right.find("run")]
            if numbers:
                mine, yours = self.rng.choice(numbers)
                clauses.append(f"{mine.sql} {self.pick('<', '<=', '>', '<>')} {yours.sql}")
        return clauses

    def from_clause(self, most=3, lateral=True):
        """Relations, the FROM clause that joins them, and what WHERE has to add."""
        count = self.rng.choices(range(1, most + 1), (5, 5, 2, 1)[:most])[0]
        relations = [self.relation(foreign=True if count == 1 else None)]
        self.full = count > 1 and self.chance(0.1)
        reference = self.filtered_reference if self.full else self.table_reference
        text = reference(relations[0])
        where = []
        for _ in range(count - 1):
            other = self.relation(foreign=True if not any(relation.foreign for relation in relations) else None)
            kind = "full" if self.full else \
                self.weighted(inner=5, comma=2, left=4, right=2, full=2, lateral=2 if lateral else 0, cross=0.3)
            clauses = self.join_clauses(relations, other, plain=kind == "full")
            if clauses is None:
                if other.foreign and any(relation.foreign for relation in relations):
                    continue
                clauses = ["true"]
            if kind == "inner":
                text += f"\n  JOIN {self.table_reference(other)} ON {' AND '.join(clauses)}"
            elif kind in ("comma", "cross"):
                text += f"\n  CROSS JOIN {self.table_reference(other)}"
                where += clauses
            elif kind in ("left", "right", "full"):
                if kind == "full" and clauses == ["true"]:
                    kind = "left"
                text += f"\n  {kind.upper()} JOIN {reference(other)} ON {' AND '.join(clauses)}"
            else:
                text += "\n  " + self.lateral_join(other, clauses)
            relations.append(other)
        return relations, text, where

    def table_reference(self, relation):
        if relation.inline:
            return f"{relation.inline[0]} AS {relation.alias}{relation.inline[1]}"
        return f"{'' if relation.foreign else 'shared.'}{relation.table} AS {relation.alias}"

    def filtered_reference(self, relation):
        """The relation with a WHERE of its own."""
        clauses = self.clauses(relation, 2)
        if not clauses or relation.inline:
            return self.table_reference(relation)
        return f"(SELECT * FROM {self.table_reference(relation)} " \
            f"WHERE {' AND '.join(f'({c})' for c in clauses)}) AS {relation.alias}"

    def total_order(self, columns):
        """An ORDER BY list after which rows that tie are the same byte for byte."""
        return ", ".join(f"{column.bytewise}" for column in columns)

    def lateral_join(self, other, clauses):
        inner = Relation(self.alias(), other.table, [], other.foreign, other.focus, other.inline)
        inner.columns = [replace(column, relation=inner.alias) for column in other.columns]
        conditions = [clause.replace(f"{other.alias}.", f"{inner.alias}.") for clause in clauses]
        if self.chance(0.4):
            conditions += [self.predicate(inner, 1)]
        listed = ", ".join(column.sql for column in inner.columns)
        tail = ""
        if self.chance(0.3):
            tail = f" ORDER BY {self.total_order(inner.columns)} LIMIT {self.rng.randrange(1, 4)}"
        elif self.chance(0.1):
            tail = " OFFSET 0"
        subquery = f"LATERAL (SELECT {listed} FROM {self.table_reference(inner)} " \
            f"WHERE {' AND '.join(f'({c})' for c in conditions)}{tail}) AS {other.alias}"
        return f"{self.pick('LEFT JOIN', 'JOIN')} {subquery} ON true"

    def exists(self, relations):
        """EXISTS, IN and their negations: semi and anti joins."""
        other = self.relation()
        clauses = self.join_clauses(relations, other)
        if clauses is None:
            clauses = ["true"]
        if self.chance(0.4):
            clauses.append(self.predicate(other, 1))
        condition = " AND ".join(f"({clause})" for clause in clauses)
        source = self.table_reference(other)
        if self.chance(0.6):
            return f"{self.pick('', '', 'NOT ')}EXISTS (SELECT 1 FROM {source} WHERE {condition})"
        pairs = [(mine, yours) for relation in relations for mine in relation.columns for yours in other.columns
                 if mine.source in (*IDENTITIES, *MORE_JOINS) and mine.source == yours.source and
                 mine.collation == yours.collation == "default"]
        if not pairs:
            return f"EXISTS (SELECT 1 FROM {source} WHERE {condition})"
        mine, yours = self.rng.choice(pairs)
        if self.chance(0.7):
            return f"{mine.sql} IN (SELECT {yours.sql} FROM {source}" \
                f"{' WHERE ' + self.predicate(other, 1) if self.chance(0.6) else ''})"
        return f"{mine.sql} NOT IN (SELECT {yours.sql} FROM {source} " \
            f"WHERE {yours.sql} IS NOT NULL AND ({self.predicate(other, 1)}))"

    # -- outputs --------------------------------------------------------------------------------

    def output_columns(self, relations, most=6):
        columns = [column for relation in relations for column in relation.columns]
        return self.rng.sample(columns, self.rng.randrange(1, min(len(columns), most) + 1))

    def definite(self, column):
        """The column so that equal values are the same byte for byte."""
        if column.collation == "nd":
            return f'lower({column.sql}::text COLLATE "C")'
        if column.kind in ("jsonb", "double precision", "text[]", "double precision[]", "char"):
            return f"{column.sql}::text"
        return column.sql

    def aggregate(self, column):
        c = column.sql
        if column.is_number:
            return self.pick(f"sum({c})", f"min({c})", f"max({c})", f"count(DISTINCT {c})", f"array_agg({c} ORDER BY {c})",
                             f"avg({c})",
                             f"count({c}) FILTER (WHERE {c} > 1)")
        if column.is_text and column.collation != "nd":
            plain = f"{c}::text"
            return self.pick(f"min({plain})", f"max({plain})", f"count(DISTINCT {plain})",
                             f'string_agg({plain}, \',\' ORDER BY {plain} COLLATE "C")', f"count({c})",
                             f"count(*) FILTER (WHERE {c} > 'm')")
        if column.kind == "boolean":
            return self.pick(f"bool_or({c})", f"bool_and({c})", f"count(*) FILTER (WHERE {c})")
        if column.kind == "timestamptz":
            return self.pick(f"min({c})", f"max({c})", f"count(DISTINCT {c})")
        if column.kind == "double precision":
            return self.pick(f"sum({c}::numeric)", f"max({c})::numeric", f"count({c})")
        return f"count({c})"

    def settings(self):
        settings = []
        if self.chance(0.65):
            method = self.pick("enable_nestloop", "enable_hashjoin", "enable_mergejoin")
            if self.chance(0.6):
                settings += [f"{other} = off" for other in SWITCHES[:3] if other != method]
            settings += [f"{switch} = off" for switch in self.rng.sample(SWITCHES, self.rng.choice((0, 1, 1, 2)))]
        settings += [setting for setting in OTHER_SETTINGS if self.chance(0.05)]
        return list(dict.fromkeys(settings))

    # -- queries --------------------------------------------------------------------------------

    def query(self):
        kind = self.weighted(plain=10, aggregate=4, window=2, ordered=4, limit=3, setop=2, cte=2, scalar=2, prepared=7, cursor=3,
                             functions=1.2, whole=1.5, distinct=2, keyset=1, recursive=0.7, written=0.5)
        return getattr(self, f"_{kind}")()

    def make(self, kind, **parts):
        return Query(self.number, kind, settings=self.settings(), once=self.once, **parts)

    def body(self, most=3):
        relations, source, where = self.from_clause(most)
        if self.full:
            return relations, source, where
        for relation in relations:
            if relation.foreign:
                where += self.clauses(relation, 3 if len(relations) == 1 else 2)
            elif self.chance(0.4):
                where.append(self.predicate(relation, 1))
        if self.chance(0.25):
            where.append(self.exists(relations))
        return relations, source, where

    def _plain(self, most=3):
        relations, source, where = self.body(most)
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(self.output_columns(relations))]
        if self.chance(0.08):
            select = ["count(*)"]
        elif self.chance(0.05):
            select = ["1 AS o0"]
        return self.make("rows", select=select, source=source, where=where)

    def _whole(self):
        relations, source, where = self.body(2)
        alias = next(relation.alias for relation in relations if relation.foreign)
        select = [self.pick(f"{alias}", f"{alias}.*", "*", f"{alias} IS NULL AS o0", f"({alias}).*", f"to_jsonb({alias})",
                            f"{alias}::text")]
        return self.make("rows", select=select, source=source, where=where)

    def _distinct(self):
        relations, source, where = self.body(2)
        columns = self.output_columns(relations, 3)
        if self.chance(0.3):
            key = self.definite(columns[0])
            return self.make("ordered", distinct=f"DISTINCT ON ({key}) ", source=source, where=where,
                             select=[f"{column.sql} AS o{index}" for index, column in enumerate(columns)],
                             order=f"ORDER BY {key}, {self.total_order(columns)}")
        return self.make("rows", distinct="DISTINCT ", source=source, where=where,
                         select=[f"{self.definite(column)} AS o{index}" for index, column in enumerate(columns)])

    def _aggregate(self):
        relations, source, where = self.body(3)
        keys = [self.definite(column) for column in self.output_columns(relations, 3)] if self.chance(0.7) else []
        aggregates = [self.aggregate(column) for column in self.output_columns(relations, 3)] + ["count(*)"]
        group = ""
        if keys:
            places = ", ".join(str(index) for index in range(1, len(keys) + 1))
            group = f"GROUP BY {places}" if self.chance(0.75) else f"GROUP BY {self.pick('ROLLUP', 'CUBE')} ({places})"
        having = f"HAVING count(*) {self.pick('>', '<')} {self.rng.randrange(4)}" if self.chance(0.2) else ""
        return self.make("rows", select=keys + aggregates, source=source, where=where, group=group, having=having)

    def _window(self):
        relations, source, where = self.body(2)
        columns = self.output_columns(relations, 4)
        everything = [column for relation in relations for column in relation.columns]
        order = self.total_order(everything)
        part = self.definite(self.rng.choice(columns))
        calls = [f"row_number() OVER (PARTITION BY {part} ORDER BY {order})", f"count(*) OVER (PARTITION BY {part})",
                 f"rank() OVER (ORDER BY {part})", f"lag({self.rng.choice(columns).bytewise}) OVER (ORDER BY {order})",
                 f"sum(1) OVER (PARTITION BY {part} ORDER BY {order} ROWS 2 PRECEDING)",
                 f"first_value({self.rng.choice(columns).bytewise}) OVER (PARTITION BY {part} ORDER BY {order})"]
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(columns)]
        return self.make("rows", select=select + self.rng.sample(calls, self.rng.randrange(1, 3)), source=source, where=where)

    def ordered_parts(self, most=2):
        relations, source, where = self.body(most)
        columns = self.output_columns(relations, 5)
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(columns)]
        first = [f"{column.sql} {self.pick('ASC', 'DESC')} {self.pick('NULLS FIRST', 'NULLS LAST', '')}"
                 for column in columns if column.kind not in ("jsonb",) and self.chance(0.5)]
        return {"select": select, "source": source, "where": where,
                "order": "ORDER BY " + ", ".join(first + [self.total_order(columns)])}

    def limits(self):
        limit = f"LIMIT {self.rng.choice((0, 1, 2, 3, 5, 10, 50, 1000))}" if self.chance(0.85) else ""
        return f"{limit} {f'OFFSET {self.rng.choice((0, 1, 2, 5, 20))}' if self.chance(0.4) else ''}".strip()

    def _ordered(self):
        query = self.make("ordered", **self.ordered_parts())
        if self.chance(0.7):
            query.limit = self.limits()
        return query

    def _limit(self):
        relations, source, where = self.body(2)
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(self.output_columns(relations))]
        return self.make("limit", select=select, source=source, where=where, limit=self.limits() or "LIMIT 3")

    def _setop(self):
        relations, source, where = self.body(2)
        table = relations[0].table if relations[0].foreign else None
        columns = self.output_columns(relations[:1], 3)
        other = self.relation(table=relations[0].table) if table else self.relation(table="experiment_runs")
        if not table:
            relations, source, where = [self.relation(table="experiment_runs")], "", []
            source = self.table_reference(relations[0])
            columns = self.output_columns(relations, 3)
        theirs = [replace(column, relation=other.alias) for column in columns]
        conditions = self.clauses(other) or ["true"]
        tail = f"{self.pick('UNION', 'UNION ALL', 'INTERSECT', 'INTERSECT ALL', 'EXCEPT', 'EXCEPT ALL')}\n" + \
            f"SELECT {', '.join(self.definite(column) for column in theirs)} FROM {self.table_reference(other)}\n" + \
            "WHERE " + " AND ".join(f"({clause})" for clause in conditions)
        return self.make("rows", select=[self.definite(column) for column in columns], source=source, where=where, tail=tail)

    def _cte(self):
        inner = self.relation(foreign=True)
        conditions = self.clauses(inner) or ["true"]
        name = "w"
        materialized = self.pick("", "MATERIALIZED", "NOT MATERIALIZED")
        cte = f"{name} AS {materialized} (SELECT * FROM {self.table_reference(inner)} " \
            f"WHERE {' AND '.join(f'({c})' for c in conditions)})"
        first = Relation("w1", name, [replace(column, relation="w1") for column in inner.columns], True, self.focus)
        second = Relation("w2", name, [replace(column, relation="w2") for column in inner.columns], True, self.focus)
        columns = self.output_columns([first, second])
        clauses = self.join_clauses([first], second, plain=True) or ["true"]
        where = []
        if self.chance(0.5):
            where.append(self.predicate(replace(first, table=inner.table), 1))
        return self.make("rows", ctes=[cte], select=[f"{column.sql} AS o{index}" for index, column in enumerate(columns)],
                         source=f"w AS w1 {self.pick('JOIN', 'LEFT JOIN')} w AS w2 ON {' AND '.join(clauses)}", where=where)

    def _scalar(self):
        relations, source, where = self.body(2)
        other = self.relation(foreign=True)
        clauses = self.join_clauses(relations, other)
        if clauses is None:
            clauses = ["true"]
        extra = [self.predicate(other, 1)] if self.chance(0.4) else []
        column = self.rng.choice(other.columns)
        condition = " AND ".join(f"({clause})" for clause in clauses + extra)
        subqueries = [f"(SELECT count(*) FROM {self.table_reference(other)} WHERE {condition})",
                      f"(SELECT {self.aggregate(column)} FROM {self.table_reference(other)} WHERE {condition})",
                      f"ARRAY(SELECT {column.bytewise} FROM {self.table_reference(other)} WHERE {condition} ORDER BY 1)",
                      f"(SELECT {column.sql} FROM {self.table_reference(other)} WHERE {condition} "
                      f"ORDER BY {self.total_order([column])} LIMIT 1)",
                      f"EXISTS (SELECT FROM {self.table_reference(other)} WHERE {condition})"]
        select = [f"{column.sql} AS o{index}" for index, column in enumerate(self.output_columns(relations, 4))]
        return self.make("rows", select=select + [self.rng.choice(subqueries)], source=source, where=where)

    def _prepared(self):
        self.parameters = []
        query = self._plain(2) if self.chance(0.8) else self._aggregate()
        query.kind = "prepared"
        query.types = [kind for kind, _ in self.parameters]
        executions = self.rng.choice((1, 2, 3, 7))
        columns = [[literal] for _, literal in self.parameters]
        for _ in range(executions - 1):
            for (kind, literal), values in zip(self.parameters, columns):
                values.append(self.other_argument(kind, literal))
        query.arguments = [list(values) for values in zip(*columns)] if columns else [[]] * executions
        mode = self.pick("force_generic_plan", "force_generic_plan", "force_custom_plan", "auto")
        query.settings.append(f"plan_cache_mode = {mode}")
        self.parameters = None
        return query

    def other_argument(self, kind, literal):
        roll = self.rng.random()
        if roll < 0.5:
            return literal
        if roll < 0.6:
            return f"NULL::{kind}"
        text = Column("", "x", "text", "default", self.pick(*IDENTITIES[:2], "status"))
        if kind.endswith("[]"):
            if "int" in kind:
                return self.pick("'{}'", "'{1,2}'", "'{NULL}'", "'{3,1,1,0}'") + f"::{kind}"
            return self.pick("'{}'", "'{quirkd1,shop4x1,quirks1,addcrt1}'", "'{NULL,DONE}'") + f"::{kind}"
        if kind in ("integer", "bigint", "smallint", "shared.big_number", "shared.run_number"):
            return f"{self.pick(1, 2, 3, 7)}::{kind}"
        save, self.parameters = self.parameters, None
        value = quote(self.text_value(text, None)[:60])
        self.parameters = save
        return f"{value}::{kind}"

    def _cursor(self):
        query = self.make("cursor", **self.ordered_parts(2))
        scroll = self.chance(0.8)
        query.note = ("SCROLL" if scroll else "NO SCROLL") + " CURSOR" + self.pick("", "", " WITH HOLD")
        forward = ("FETCH 1 FROM", "FETCH 3 FROM", "FETCH 10 FROM", "FETCH NEXT FROM", "MOVE 2 FROM",
                   "FETCH 0 FROM" if scroll else "FETCH 1 FROM")
        anywhere = ("FETCH PRIOR FROM", "FETCH BACKWARD 2 FROM", "FETCH FIRST FROM", "FETCH LAST FROM", "FETCH ABSOLUTE 3 FROM",
                    "FETCH ABSOLUTE -2 FROM", "FETCH RELATIVE -1 FROM", "MOVE BACKWARD ALL FROM", "FETCH BACKWARD ALL FROM",
                    "MOVE FORWARD ALL FROM")
        query.fetches = [self.rng.choice(forward + anywhere if scroll else forward) for _ in range(self.rng.randrange(2, 9))]
        query.fetches.append("FETCH ALL FROM")
        return query

    def _functions(self):
        self.once = False
        local = self.relation(table="keys")
        a = local.alias
        condition = f"{a}.id < {self.rng.randrange(5, 40)}"
        select, source = self.pick(
            (f"{a}.id, shared.count_runs({a}.app, {a}.def)", ""), (f"{a}.id, shared.run_status({a}.app, {a}.def, {a}.run)", ""),
            (f"{a}.id, x.*", f", shared.runs_of({a}.app, {a}.run) AS x"),
            (f"{a}.id, x.*", f" LEFT JOIN shared.runs_of({a}.app, {a}.run) AS x ON x.def = {a}.def"))
        return self.make("rows", select=[select], source=f"shared.keys AS {a}{source}", where=[condition])

    def _recursive(self):
        """A chain of look-ups, each of which takes its key from the one before."""
        application, definition = self.focus["application_id"], self.focus["experiment_definition_id"]
        step = self.rng.randrange(1, 4)
        table = self.pick("experiment_runs", "experiment_runs", "treatments", "run_events")
        if table not in self.world.tables:
            table = "experiment_runs"
        column = self.pick("application_name", "description", "region")
        cte = (f"r AS (SELECT {self.rng.randrange(0, 3)} AS n, NULL::text AS o UNION SELECT t.run, t.{column}::text "
               f"FROM r JOIN {table} AS t ON t.run = r.n + {step} "
               f"WHERE t.application_id = {quote(application)} "
               f"AND t.experiment_definition_id = {quote(definition)} AND r.n < 12)")
        query = self.make("rows", ctes=[cte], select=["n", "o"], source="r")
        query.ctes[0] = "RECURSIVE " + query.ctes[0]
        return query

    def _written(self):
        """Rows on their way into a local table."""
        relations, source, where = self.body(2)
        columns = self.output_columns(relations, 3)
        select = [f"{column.sql}::text" for column in columns]
        query = self.make("rows", select=select, source=source, where=where)
        query.ctes = []
        query.prefix = f"INSERT INTO shared.sink ({', '.join(f'c{index}' for index in range(len(columns)))})"
        query.order = "RETURNING *"
        return query

    def _keyset(self):
        """The exposure table: run numbers as text and variants of the agent."""
        table = self.pick("treatments", "experiment_runs", "attribute_values")
        if table not in self.world.tables:
            table = "experiment_runs"
        other = self.relation(table=table)
        b = other.alias
        on = [f"{b}.run = a.experiment_run_number::int", f"{b}.application_id = a.app", f"{b}.experiment_definition_id = a.def"]
        if table != "experiment_runs":
            on.append(f"{b}.treatment_key = public.appconfig_treatment_key(a.variant)")
        select = ["a.id", "a.variant"] + [column.sql for column in self.output_columns([other], 3)]
        return self.make("rows", select=select,
                         source=f"shared.exposures AS a {self.pick('JOIN', 'LEFT JOIN')} "
                                f"{self.table_reference(other)} ON {' AND '.join(on)}",
                         where=[f"a.id < {self.rng.randrange(1, 60)}"])


def generate(world, seed, number):
    return Generator(world, seed, number).query()
