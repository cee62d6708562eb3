"""The scratch databases: emulator, foreign tables, local copies of them, and local tables to join with.

Every worker has a database of its own with the schemas

    f        the foreign tables, those of IMPORT FOREIGN SCHEMA and hand-made ones, and views of them
    o        the same once more, of a server whose sessions keep every answer: what reads the whole account for
             each scan, as all does without pushdown, waits for the emulator once in a session
    c        the same names as local copies of f
    shared   local tables, functions, types, collations

so that one text of a query runs over each by search_path alone.
"""

import contextlib
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extensions
from psycopg2.extras import execute_values

from account import TABLES

EMULATOR = Path(__file__).resolve().parent.parent / "emulator" / "emulator.py"
ACCESS_KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

#: The keys of shared.one.
ONE = ("quirks1", "quirkd1", 4)

#: Server of each schema of foreign tables, and its options beside endpoint and region.
SERVERS = {"f": ("appconfig", ""), "o": ("appconfig_kept", ", cache_ttl '12h', cache_size '256MB'")}

#: Collations of hand-made columns, by the short names that queries.py uses.
COLLATIONS = {"C": '"C"', "icu": '"en-x-icu"', "nd": "shared.nocase", "default": '"default"'}

TYPES = """
CREATE SCHEMA shared;
CREATE COLLATION shared.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN shared.identifier AS text;
CREATE DOMAIN shared.short_identifier AS varchar(2000) CHECK (length(VALUE) < 2000);
CREATE DOMAIN shared.nested_identifier AS shared.identifier;
CREATE DOMAIN shared.run_number AS integer CHECK (VALUE > 0);
CREATE DOMAIN shared.big_number AS bigint;
"""

#: Hand-made tables: name, object, and columns as (name, type, collation or None, column of the object).
HAND_MADE = (
    ("runs_varchar", "experiment_runs", (
        ("ended", "timestamptz", None, "ended_at"), ("n", "bigint", None, "run"),
        ("def", "varchar", None, "experiment_definition_id"), ("state", "varchar(30)", None, "status"),
        ("app", "varchar(64)", None, "application_id"), ("app_name", "varchar", None, "application_name"),
        ("summary", "varchar", None, "result_executive_summary"),
        ("def_name", "varchar(128)", None, "experiment_definition_name"), ("description", "varchar", None, "description"))),
    ("runs_name", "experiment_runs", (
        ("run", "integer", None, "run"), ("application_id", "name", None, "application_id"),
        ("application_name", "text", None, "application_name"),
        ("experiment_definition_id", "name", None, "experiment_definition_id"),
        ("experiment_definition_name", "text", None, "experiment_definition_name"),
        ("status", "name", None, "status"), ("exposure_percentage", "double precision", None, "exposure_percentage"))),
    ("runs_domain", "experiment_runs", (
        ("run", "shared.run_number", None, "run"), ("status", "shared.identifier", None, "status"),
        ("application_id", "shared.identifier", None, "application_id"),
        ("experiment_definition_id", "shared.nested_identifier", None, "experiment_definition_id"),
        ("experiment_definition_name", "shared.short_identifier", None, "experiment_definition_name"),
        ("application_name", "shared.nested_identifier", None, "application_name"),
        ("started_at", "timestamptz", None, "started_at"), ("hypothesis", "shared.identifier", None, "hypothesis"))),
    ("runs_nd", "experiment_runs", (
        ("application_id", "text", "nd", "application_id"), ("application_name", "text", "nd", "application_name"),
        ("experiment_definition_id", "text", "nd", "experiment_definition_id"),
        ("experiment_definition_name", "text", "nd", "experiment_definition_name"),
        ("run", "integer", None, "run"), ("status", "text", "nd", "status"),
        ("description", "text", "nd", "description"), ("flag_key", "text", "nd", "flag_key"))),
    ("runs_c", "experiment_runs", (
        ("status", "text", "C", "status"), ("run", "integer", None, "run"),
        ("experiment_definition_name", "text", "C", "experiment_definition_name"),
        ("experiment_definition_id", "text", "C", "experiment_definition_id"),
        ("application_name", "varchar", "C", "application_name"), ("application_id", "text", "C", "application_id"),
        ("updated_at", "timestamptz", None, "updated_at"), ("environment_id", "text", "C", "environment_id"))),
    ("runs_icu", "experiment_runs", (
        ("experiment_definition_id", "varchar", "icu", "experiment_definition_id"),
        ("application_id", "text", "icu", "application_id"), ("run", "bigint", None, "run"),
        ("application_name", "text", "icu", "application_name"), ("status", "text", "icu", "status"),
        ("description", "text", "icu", "description"))),
    ("runs_nothing", "experiment_runs", (
        ("description", "text", None, "description"), ("exposure_percentage", "double precision", None,
                                                       "exposure_percentage"))),
    ("treatments_domain", "treatments", (
        ("treatment_key", "varchar", None, "treatment_key"), ("n", "shared.big_number", None, "run"),
        ("app", "shared.short_identifier", None, "application_id"),
        ("def", "shared.identifier", "C", "experiment_definition_id"), ("weight", "double precision", None, "weight"),
        ("is_control", "boolean", None, "is_control"))),
    ("overrides_nd", "treatment_overrides", (
        ("entity_id", "text", "nd", "entity_id"), ("treatment_key", "text", "nd", "treatment_key"),
        ("application_id", "text", None, "application_id"), ("run", "integer", None, "run"),
        ("experiment_definition_id", "text", "nd", "experiment_definition_id"))),
    ("definitions_nd", "experiment_definitions", (
        ("experiment_definition_name", "text", "nd", "experiment_definition_name"),
        ("status", "varchar", "nd", "status"), ("application_id", "varchar", "nd", "application_id"),
        ("experiment_definition_id", "text", "nd", "experiment_definition_id"),
        ("environment_id", "text", "nd", "environment_id"), ("application_name", "text", "nd", "application_name"),
        ("configuration_profile_id", "text", "nd", "configuration_profile_id"),
        ("launch_criteria", "text", None, "launch_criteria"))),
    ("definitions_name", "experiment_definitions", (
        ("env", "name", None, "environment_id"), ("prof", "shared.identifier", None, "configuration_profile_id"),
        ("status", "name", None, "status"), ("app", "name", None, "application_id"),
        ("id", "name", None, "experiment_definition_id"), ("audience_rule", "varchar", None, "audience_rule"),
        ("created_at", "timestamptz", None, "created_at"))),
    ("environments_nd", "environments", (
        ("environment_id", "varchar", "nd", "environment_id"), ("environment_name", "text", "nd", "environment_name"),
        ("application_id", "text", "nd", "application_id"), ("state", "text", None, "state"))),
    ("profiles_varchar", "configuration_profiles", (
        ("configuration_profile_id", "varchar(100)", None, "configuration_profile_id"),
        ("validator_types", "text[]", None, "validator_types"), ("type", "name", None, "type"),
        ("application_id", "shared.identifier", None, "application_id"),
        ("configuration_profile_name", "varchar", "C", "configuration_profile_name"))),
    ("events_varchar", "run_events", (
        ("n", "bigint", None, "run"), ("event_type", "name", None, "event_type"),
        ("app", "varchar", None, "application_id"), ("def", "shared.nested_identifier", None, "experiment_definition_id"),
        ("occurred_at", "timestamptz", None, "occurred_at"), ("app_name", "text", "icu", "application_name"))),
)

FUNCTIONS = """
CREATE FUNCTION shared.same(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION shared.same_strict(integer) RETURNS integer LANGUAGE plpgsql STRICT STABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION shared.volatile_same(text) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION shared.volatile_same(integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
"""
# these look their tables up in the search_path of the caller
CALLERS = """
SET check_function_bodies = off;
CREATE FUNCTION shared.count_runs(app text, def text) RETURNS bigint LANGUAGE plpgsql STABLE AS
'BEGIN RETURN (SELECT count(*) FROM experiment_runs WHERE application_id = app AND experiment_definition_id = def); END';
CREATE FUNCTION shared.run_status(app text, def text, n integer) RETURNS text LANGUAGE sql STABLE AS
'SELECT status FROM experiment_runs WHERE application_id = app AND experiment_definition_id = def AND run = n';
CREATE FUNCTION shared.runs_of(app text, n bigint) RETURNS TABLE (def text, exposure double precision) LANGUAGE plpgsql STABLE AS
'BEGIN RETURN QUERY SELECT experiment_definition_id, exposure_percentage FROM experiment_runs
 WHERE application_id = app AND run = n; END';
"""


class Emulator:
    """An emulator's address and control interface; started here unless it is somebody else's."""

    def __init__(self, data=None, url=None, arguments=()):
        self._directory = None
        self._process = None
        self._connection = None
        self.url = url
        if url is None:
            self._directory = tempfile.TemporaryDirectory(prefix="differential-")
            path = Path(self._directory.name) / "data.json"
            path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
            self._process = subprocess.Popen([sys.executable, EMULATOR, "--no-verify", "--data-file", path,
                                              "--parent-pid", str(os.getpid()), *arguments],
                                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            self.url = self._process.stdout.readline().strip()
            if not self.url:
                raise RuntimeError("the emulator did not start")

    def control(self, method, name, document=None):
        body = None if document is None else json.dumps(document).encode()
        for attempt in (1, 2):
            if self._connection is None:
                self._connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
            try:
                self._connection.request(method, f"/_emulator/{name}", body)
                return json.loads(self._connection.getresponse().read())
            except (http.client.HTTPException, ConnectionError):
                self._connection = None
                if attempt == 2:
                    raise
        return None

    def calls(self, settle=False):
        """The requests since the last call, as (operation, target).

        A statement that ends early leaves calls in flight, which may only now reach the emulator.  settle waits
        for them, lest they count for the statement that follows at once.
        """
        entries = self.control("DELETE", "log")
        while settle:
            time.sleep(0.002)
            late = self.control("DELETE", "log")
            entries += late
            settle = bool(late)
        return [(entry["operation"], entry["target"]) for entry in entries]

    def close(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process.stdout.close()
            self._directory.cleanup()


def raw_text(connection):
    """Makes the connection give every value as PostgreSQL's own text."""
    kinds = (16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 199, 700, 701, 1000, 1005, 1007, 1009, 1015, 1016, 1021, 1022,
             1042, 1043, 1082, 1083, 1114, 1115, 1184, 1185, 1186, 1231, 1700, 2249, 3802, 3807)
    psycopg2.extensions.register_type(
        psycopg2.extensions.new_type(kinds, "RAW", lambda value, cursor: value), connection)


def connect(database):
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    raw_text(connection)
    # jit would take longer than anything else: what the planner's switches forbid costs 1e10
    execute(connection, "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET statement_timeout = '120s'; SET jit = off")
    return connection


def execute(connection, sql):
    """The rows of the last statement, or None if it has none."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def literal(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def _local_tables(connection, account):
    """Tables to join with: keys as every type, right, nearly right, odd and absent; the same for each account.

    Returns the rows of shared.keys.
    """
    rng = random.Random(7)
    runs = sorted(account.runs)
    definitions = sorted(account.definitions)
    rows = []
    for number in range(60):
        application, definition, run = rng.choice(runs)
        kind = rng.randrange(10)
        if kind == 0:
            application = rng.choice((None, "", "nosuch1", "shop4x1 ", "SHOP4X1", "storefront", ".", "..", "nasty one"))
        elif kind == 1:
            definition = rng.choice((None, "", "nosuch1", "Addcrt1", "plain", "nastyd1", "a/b", "."))
        elif kind == 2:
            run = rng.choice((None, 0, -1, 99, 2147483647, 1))
        elif kind == 3:
            application, definition = rng.choice(definitions)
        names = (account.applications.get(application, {}).get("Name"),
                 account.definitions.get((application, definition), {}).get("Name"))
        rows.append((number, application, definition, run, *names, rng.choice(("c", "t1", "t2", None)),
                     rng.choice(("DONE", "RUNNING", "STOPPING", "done", "ACTIVE", "IDLE", "ARCHIVED", "", None))))
    execute(connection, """
        CREATE TABLE shared.keys (id integer, app text, def text, run integer, app_name text, def_name text, tkey text,
                                  state text);""")
    with connection.cursor() as cursor:
        execute_values(cursor, "INSERT INTO shared.keys VALUES %s", rows)
    execute(connection, f"""
        CREATE TABLE shared.odd_keys AS
        SELECT id, app::varchar(40) AS vapp, def::name AS ndef, app::char(12) AS capp, run::bigint AS run8,
               CASE WHEN run BETWEEN -32768 AND 32767 THEN run::smallint END AS run2, run::numeric AS runn, run::text AS runt,
               app_name::shared.identifier AS dapp_name, def::shared.nested_identifier AS ddef,
               CASE WHEN run > 0 THEN run END::shared.run_number AS drun, app COLLATE shared.nocase AS ndapp,
               def COLLATE "C" AS cdef, upper(def) COLLATE shared.nocase AS nddef
        FROM shared.keys;
        CREATE TABLE shared.arrays AS
        SELECT id / 6 AS id, array_agg(app ORDER BY id) AS apps, array_agg(def ORDER BY id) AS defs,
               array_agg(run ORDER BY id) AS runs, array_agg(run::bigint ORDER BY id) AS runs8
        FROM shared.keys GROUP BY 1;
        INSERT INTO shared.arrays VALUES (100, '{{}}', NULL, '{{}}', NULL),
            (101, '{{NULL}}', '{{{{a,b}},{{addcrt1,quirkd1}}}}', '{{NULL,1}}', '{{1,9}}');
        CREATE TABLE shared.sink (c0 text, c1 text, c2 text);
        CREATE TABLE shared.nothing AS SELECT * FROM shared.keys WHERE false;
        CREATE TABLE shared.one AS
        SELECT 1 AS id, {literal(ONE[0])}::text AS app, {literal(ONE[1])}::text AS def, {ONE[2]} AS run;
        CREATE TABLE shared.exposures AS
        SELECT id, app, def, run::text AS experiment_run_number,
               (ARRAY['__t1__', '__c_override__', '__c__', '__t1_override__', '__default__', 't1', 'c', NULL])[1 + id % 8]
                   AS variant
        FROM shared.keys;
        CREATE INDEX ON shared.keys (app, def);
        ANALYZE""")
    return rows


def _exact(value):
    """Numbers as text: -0.0 would be a numeric 0 on its way."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return value


def _quote_columns(columns):
    return ", ".join(f'"{name}"' for name in columns)


def _expected_tables(connection, account):
    """Compares the copies with the account; a line for each table that is not as it ought to be."""
    problems = []
    execute(connection, "CREATE SCHEMA e")
    for table in TABLES:
        names = [name for name, _ in TABLES[table]]
        execute(connection, f"CREATE TABLE e.{table} (LIKE c.{table})")
        with connection.cursor() as cursor:
            execute_values(cursor, f"INSERT INTO e.{table} ({_quote_columns(names)}) VALUES %s",
                           [tuple(_exact(row.get(name)) for name in names) for row in account.rows[table]],
                           template="(" + ", ".join(f"%s::{kind}" for _, kind in TABLES[table]) + ")")
        for what, one, other in (("missing", "e", "c"), ("extra", "c", "e")):
            found = execute(connection, f"""
                SELECT count(*), min(r) FROM (SELECT t::text FROM {one}.{table} AS t
                EXCEPT ALL SELECT t::text FROM {other}.{table} AS t) AS d(r)""")
            if found[0][0] != "0":
                problems.append(f"copy of {table}: {found[0][0]} rows {what}, for one {found[0][1][:2000]}")
    return problems


class World:
    """What queries may name: tables with their columns, and what is in them."""

    def __init__(self, account):
        self.account = account
        self.tables = {}
        self.one = ONE                # the row of shared.one
        self.keys = []                # rows of shared.keys

    def add(self, name, object_name, columns):
        """columns: (name, type, collation, column of the object)"""
        self.tables[name] = (object_name, columns)


def set_up(database, emulator, account):
    """Makes a database; returns (World, problems of the full read)."""
    drop(database)
    with contextlib.closing(connect("postgres")) as connection:
        execute(connection,
                f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'")
    world = World(account)
    with contextlib.closing(connect(database)) as connection:
        execute(connection, TYPES)
        execute(connection, "CREATE EXTENSION appconfig_fdw; CREATE SCHEMA c")
        for schema, (server, options) in SERVERS.items():
            execute(connection, f"""
                CREATE SERVER {server} FOREIGN DATA WRAPPER appconfig_fdw
                    OPTIONS (region '{account.region}', endpoint '{emulator.url}', max_get_rate '0', max_list_rate '0'{options});
                CREATE USER MAPPING FOR CURRENT_USER SERVER {server}
                    OPTIONS (access_key_id '{ACCESS_KEY[0]}', secret_access_key '{ACCESS_KEY[1]}')""")
            _foreign_tables(connection, world, schema, server)
        for name in world.tables:
            execute(connection, f"CREATE TABLE c.{name} AS SELECT * FROM f.{name}")
        problems = _expected_tables(connection, account)
        execute(connection, FUNCTIONS)
        execute(connection, CALLERS)
        world.keys = _local_tables(connection, account)
        _add_views(connection, world)
    emulator.calls()
    return world, problems


def _foreign_tables(connection, world, schema, server):
    """Imported and hand-made foreign tables in a schema of their own."""
    execute(connection, f"CREATE SCHEMA {schema}; IMPORT FOREIGN SCHEMA appconfig FROM SERVER {server} INTO {schema}")
    for table in TABLES:
        world.add(table, table, tuple((name, kind, None, name) for name, kind in TABLES[table]))
    for name, object_name, columns in HAND_MADE:
        listed = ", ".join(
            f"{column} {kind} OPTIONS (column_name '{source}')" +
            (f" COLLATE {COLLATIONS[collation]}" if collation else "")
            for column, kind, collation, source in columns)
        execute(connection, f"CREATE FOREIGN TABLE {schema}.{name} ({listed}) SERVER {server} OPTIONS (object '{object_name}')")
        world.add(name, object_name, columns)
    # columns dropped and others added behind them
    execute(connection, f"""
        CREATE FOREIGN TABLE {schema}.runs_altered (status text, run integer, description text, application_id text)
            SERVER {server} OPTIONS (object 'experiment_runs');
        ALTER FOREIGN TABLE {schema}.runs_altered DROP COLUMN status, DROP COLUMN description,
            ADD COLUMN experiment_definition_id text, ADD COLUMN ended_at timestamptz""")
    world.add("runs_altered", "experiment_runs", (
        ("run", "integer", None, "run"), ("application_id", "text", None, "application_id"),
        ("experiment_definition_id", "text", None, "experiment_definition_id"),
        ("ended_at", "timestamptz", None, "ended_at")))


def _add_views(connection, world):
    """Views, and a table whose partitions are a foreign table and a local one."""
    run_columns = world.tables["experiment_runs"][1]
    listed = _quote_columns(name for name, *_ in run_columns)
    for schema in (*SERVERS, "c"):
        execute(connection, f"""
            SET search_path = {schema}, shared, public;
            CREATE VIEW {schema}.done_runs AS SELECT * FROM experiment_runs WHERE status = 'DONE';
            CREATE VIEW {schema}.guarded_runs WITH (security_barrier) AS
                SELECT * FROM experiment_runs WHERE application_id <> 'shop4x1' OR run < 3;
            CREATE TABLE {schema}.all_regions (LIKE c.experiment_runs) PARTITION BY LIST (region);
            CREATE TABLE {schema}.other_region PARTITION OF {schema}.all_regions FOR VALUES IN ('eu-west-1');
            INSERT INTO {schema}.other_region SELECT {listed.replace('"region"', "'eu-west-1'")}
                FROM c.experiment_runs WHERE run < 3 AND application_id < 'r';""")
    for schema, (server, _) in SERVERS.items():
        execute(connection, f"""
            CREATE FOREIGN TABLE {schema}.this_region PARTITION OF {schema}.all_regions FOR VALUES IN ('{world.account.region}')
                SERVER {server} OPTIONS (object 'experiment_runs')""")
    execute(connection, f"""
        CREATE TABLE c.this_region PARTITION OF c.all_regions FOR VALUES IN ('{world.account.region}');
        INSERT INTO c.this_region SELECT * FROM c.experiment_runs;
        RESET search_path;
        ANALYZE""")
    for name in ("done_runs", "guarded_runs", "all_regions"):
        world.add(name, "experiment_runs", run_columns)


def clone(database, template, emulator):
    """Another worker's database."""
    drop(database)
    with contextlib.closing(connect("postgres")) as connection:
        execute(connection, f"CREATE DATABASE {database} TEMPLATE {template}")
    with contextlib.closing(connect(database)) as connection:
        for server, _ in SERVERS.values():
            execute(connection, f"ALTER SERVER {server} OPTIONS (SET endpoint '{emulator.url}')")


def drop(database):
    with contextlib.closing(connect("postgres")) as connection:
        execute(connection, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
