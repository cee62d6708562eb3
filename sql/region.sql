--
-- The region: a key with one possible value, so that of several servers only the one that is meant is asked
--
\set name east
\i sql/setup.psql
SET search_path = public, east;
-- a Region that nobody reaches, and for which there are no credentials either
CREATE SERVER west FOREIGN DATA WRAPPER appconfig_fdw
    OPTIONS (region 'us-west-2', endpoint 'http://127.0.0.1:1', max_attempts '1');
CREATE SCHEMA west;
IMPORT FOREIGN SCHEMA appconfig FROM SERVER west INTO west;
CREATE VIEW runs AS SELECT * FROM east.experiment_runs UNION ALL SELECT * FROM west.experiment_runs;
CREATE VIEW applications AS SELECT * FROM east.applications UNION ALL SELECT * FROM west.applications;
CREATE TABLE regions (region text, label text);
INSERT INTO regions VALUES ('us-east-1', 'Virginia'), ('eu-west-1', 'Ireland');
ANALYZE regions;
\set VERBOSITY terse

SELECT count(*) FROM runs WHERE application_id = 'shop4x1';

-- the Region that is meant, in all forms
\! test/emulator/ctl.py clear
SELECT region, count(*), max(exposure_percentage) FROM runs WHERE region = 'us-east-1' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
\! test/emulator/ctl.py calls --sort
SELECT region, count(*) FROM runs WHERE 'us-east-1' = region AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT region, count(*) FROM runs WHERE region IN ('us-east-1', 'eu-west-1', NULL) AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT region, count(*) FROM runs WHERE region = ANY ('{us-east-1}') AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT region, run FROM runs WHERE (region, application_id, experiment_definition_id, run) IN (('us-east-1', 'shop4x1', 'addcrt1', 1), ('eu-west-1', 'shop4x1', 'addcrt1', 2));
SELECT region, run FROM runs WHERE (region = 'us-east-1' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 2)
    OR (region = 'eu-west-1' AND application_id = 'search8');
SELECT region, count(*) FROM runs WHERE region <> 'us-west-2' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT region, count(*) FROM runs WHERE region LIKE '%east%' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT region, count(*) FROM runs WHERE region = (SELECT region FROM regions WHERE label = 'Virginia') AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT count(*) FROM applications WHERE region = 'us-east-1' AND application_id = 'shop4x1';

-- prepared, whichever kind of plan
PREPARE counted(text, text[]) AS SELECT count(*) FROM runs WHERE region = $1 AND region = ANY ($2) AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
SET plan_cache_mode = force_generic_plan;
EXECUTE counted('us-east-1', '{us-east-1,us-west-2}');
EXECUTE counted('us-east-1', '{us-west-2}');
EXECUTE counted(NULL, '{us-east-1}');
SET plan_cache_mode = force_custom_plan;
EXECUTE counted('us-east-1', '{us-east-1,us-west-2}');
EXECUTE counted('us-east-1', '{us-west-2}');
RESET plan_cache_mode;
EXECUTE counted('us-west-2', '{us-west-2}');

-- a join key
SELECT label, count(run) FROM regions JOIN runs USING (region) WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
SELECT label, l.run FROM regions r, LATERAL (SELECT run FROM runs WHERE runs.region = r.region AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' LIMIT 1) AS l;

-- partitions, pruned or not
CREATE TABLE everywhere (region text, application_id text, experiment_definition_id text, run integer) PARTITION BY LIST (region);
CREATE FOREIGN TABLE everywhere_east PARTITION OF everywhere FOR VALUES IN ('us-east-1') SERVER east OPTIONS (object 'experiment_runs');
CREATE FOREIGN TABLE everywhere_west PARTITION OF everywhere FOR VALUES IN ('us-west-2') SERVER west OPTIONS (object 'experiment_runs');
SELECT count(*) FROM everywhere WHERE region = 'us-east-1' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
SET enable_partition_pruning = off;
SELECT count(*) FROM everywhere WHERE region = 'us-east-1' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
SELECT label, count(run) FROM regions JOIN everywhere USING (region) WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' GROUP BY 1;
RESET enable_partition_pruning;

-- what contradicts it makes no call
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE region = 'eu-west-1';
SELECT count(*) FROM experiment_runs WHERE region = 'US-EAST-1';
SELECT count(*) FROM experiment_runs WHERE region = 'us-east-1' AND region = 'eu-west-1';
SELECT count(*) FROM experiment_runs WHERE region IN ('eu-west-1', 'us-west-2');
SELECT count(*) FROM experiment_runs WHERE region = ANY ('{}');
SELECT count(*) FROM experiment_runs WHERE region IS NULL;
SELECT count(*) FROM experiment_runs WHERE region <> 'us-east-1';
SELECT count(*) FROM experiment_runs WHERE region LIKE 'eu-%';
SELECT count(*) FROM experiment_runs WHERE upper(region) = 'EU-WEST-1' AND exposure_percentage > 10;
SELECT count(*) FROM experiment_runs WHERE region > 'us-east-1';
SELECT count(*) FROM experiment_runs WHERE (region, run) IN (('eu-west-1', 1), ('us-west-2', 2));
SELECT count(*) FROM experiment_runs WHERE (region = 'eu-west-1' AND run = 1) OR (application_id = 'shop4x1' AND region = 'us-west-2');
SELECT count(*) FROM experiment_runs WHERE region = (SELECT region FROM regions WHERE label = 'Ireland');
SELECT count(*) FROM regions JOIN experiment_runs USING (region) WHERE label = 'Ireland';
SELECT count(*) FROM applications WHERE region = 'eu-west-1';
SELECT count(*) FROM environments WHERE region = 'eu-west-1' AND application_name = 'storefront';
SELECT count(*) FROM west.treatments WHERE region = 'us-east-1';
\! test/emulator/ctl.py calls --sort
-- an arm that doesn't is asked for, and only that
SELECT run FROM experiment_runs WHERE (region = 'eu-west-1' AND application_id = 'search8')
    OR (application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 2);
\! test/emulator/ctl.py calls --paths --sort
EXPLAIN SELECT run, exposure_percentage FROM experiment_runs WHERE region = 'eu-west-1';
EXPLAIN (COSTS OFF) SELECT run, exposure_percentage FROM experiment_runs WHERE region = 'us-east-1' AND application_id = 'shop4x1';
EXPLAIN (COSTS OFF) SELECT run FROM experiment_runs WHERE region <> 'eu-west-1' AND application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 1;

-- without pushdown the same rows, but everything is read
SET appconfig_fdw.enable_pushdown = off;
SELECT count(*) FROM experiment_definitions WHERE region = 'eu-west-1';
SELECT region, count(*) FROM experiment_definitions WHERE region = 'us-east-1' AND application_id = 'shop4x1' GROUP BY 1;
RESET appconfig_fdw.enable_pushdown;

-- another region is another answer from the next statement on
PREPARE here AS SELECT count(*) FROM experiment_definitions WHERE region = 'us-east-1' AND application_id = 'shop4x1';
EXECUTE here;
ALTER SERVER east OPTIONS (SET region 'eu-west-1');
EXECUTE here;
ALTER SERVER east OPTIONS (SET region 'us-east-1');
EXECUTE here;

SET client_min_messages = warning;
DROP VIEW runs, applications;
DROP TABLE everywhere, regions;
DROP SCHEMA west CASCADE;
\i sql/teardown.psql
