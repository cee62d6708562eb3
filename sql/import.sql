--
-- IMPORT FOREIGN SCHEMA
--
CREATE EXTENSION appconfig_fdw;
CREATE SERVER "My Server" FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1');
CREATE SCHEMA everything;
CREATE SCHEMA chosen;
CREATE SCHEMA others;

CREATE VIEW imported AS
SELECT foreign_table_schema AS schema, foreign_table_name AS name
FROM information_schema.foreign_tables
WHERE foreign_server_name = 'My Server';

IMPORT FOREIGN SCHEMA appconfig FROM SERVER "My Server" INTO everything;
SELECT c.relname AS table, a.attnum, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'everything'::regnamespace AND a.attnum > 0
ORDER BY c.relname COLLATE "C", a.attnum;

-- the names of the other side are written down, so that these can change
SELECT c.relname, t.ftoptions, a.attname, a.attfdwoptions
FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'everything'::regnamespace AND c.relname = 'experiment_runs' AND a.attname = 'run';
SELECT count(*) AS differing
FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'everything'::regnamespace AND a.attnum > 0
  AND (t.ftoptions <> ARRAY['object=' || c.relname] OR a.attfdwoptions <> ARRAY['column_name=' || a.attname]);

-- PostgreSQL can plan each of them
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT i.name FROM imported i WHERE schema = 'everything' LOOP
        EXECUTE format('EXPLAIN SELECT * FROM everything.%I', name);
    END LOOP;
END
$$;

-- a choice of them; names that there are not are told of, and passed over
IMPORT FOREIGN SCHEMA appconfig LIMIT TO (treatments, experiment_runs, "Treatments", nosuch)
    FROM SERVER "My Server" INTO chosen;
SELECT name FROM imported WHERE schema = 'chosen' ORDER BY name COLLATE "C";
IMPORT FOREIGN SCHEMA appconfig LIMIT TO (nosuch) FROM SERVER "My Server" INTO chosen;
IMPORT FOREIGN SCHEMA appconfig EXCEPT (treatments, experiment_runs, nosuch)
    FROM SERVER "My Server" INTO others;
SELECT name FROM imported WHERE schema = 'everything'
EXCEPT SELECT name FROM imported WHERE schema = 'others'
ORDER BY name;

-- what is refused
IMPORT FOREIGN SCHEMA appconfig LIMIT TO (treatments) FROM SERVER "My Server" INTO everything; -- ERROR
IMPORT FOREIGN SCHEMA public FROM SERVER "My Server" INTO chosen; -- ERROR
IMPORT FOREIGN SCHEMA "AppConfig" FROM SERVER "My Server" INTO chosen; -- ERROR
IMPORT FOREIGN SCHEMA appconfig FROM SERVER "My Server" INTO chosen OPTIONS (import_default 'true'); -- ERROR
\set VERBOSITY sqlstate
IMPORT FOREIGN SCHEMA public FROM SERVER "My Server" INTO chosen; -- ERROR
IMPORT FOREIGN SCHEMA appconfig FROM SERVER "My Server" INTO chosen OPTIONS (import_default 'true'); -- ERROR
\set VERBOSITY default

SET client_min_messages = warning;
DROP VIEW imported;
DROP SCHEMA everything, chosen, others CASCADE;
DROP EXTENSION appconfig_fdw CASCADE;
