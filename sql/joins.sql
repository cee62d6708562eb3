--
-- Joins: with local tables and with each other
--
\i sql/setup.psql

-- what the agent has logged: the run as text, the treatment as a variant
CREATE TABLE public.assignments (application_id text, experiment_definition_id text, experiment_run_number text, entity_id text, variant text);
INSERT INTO assignments VALUES
    ('shop4x1', 'addcrt1', '2', 'e1', '__c__'), ('shop4x1', 'addcrt1', '2', 'e2', '__t1__'), ('shop4x1', 'addcrt1', '3', 'e3', '__t2_override__'),
    ('search8', 'rankng3', '1', 'e4', '__t1__'), ('search8', 'rankng3', '1', 'e5', '__default__'), ('nosuch1', 'nosuch2', '1', 'e6', '__t1__'),
    ('shop4x1', 'addcrt1', '99', 'e7', '__t1__'), ('shop4x1', 'addcrt1', NULL, 'e8', '__t1__'), (NULL, NULL, '1', 'e9', NULL);
ANALYZE assignments;

--
-- Keys from the other side
--
\! test/emulator/ctl.py clear
SELECT a.entity_id, a.experiment_definition_id, t.run, t.treatment_key, t.weight, t.description
FROM assignments AS a JOIN treatments AS t
    ON t.application_id = a.application_id AND t.experiment_definition_id = a.experiment_definition_id
    AND t.run = a.experiment_run_number::integer AND t.treatment_key = appconfig_treatment_key(a.variant)
ORDER BY a.entity_id;
\! test/emulator/ctl.py calls --paths --sort
-- the same without, and by other kinds of join
SET appconfig_fdw.enable_pushdown = off;
SELECT a.entity_id, t.run, t.treatment_key
FROM assignments AS a JOIN treatments AS t
    ON t.application_id = a.application_id AND t.experiment_definition_id = a.experiment_definition_id
    AND t.run = a.experiment_run_number::integer AND t.treatment_key = appconfig_treatment_key(a.variant)
ORDER BY a.entity_id;
RESET appconfig_fdw.enable_pushdown;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT a.entity_id, t.run, t.treatment_key
FROM assignments AS a JOIN treatments AS t
    ON t.application_id = a.application_id AND t.experiment_definition_id = a.experiment_definition_id
    AND t.run = a.experiment_run_number::integer AND t.treatment_key = appconfig_treatment_key(a.variant)
ORDER BY a.entity_id;
SET enable_hashjoin = off;
SET enable_mergejoin = on;
SELECT a.entity_id, t.run, t.treatment_key
FROM assignments AS a JOIN treatments AS t
    ON t.application_id = a.application_id AND t.experiment_definition_id = a.experiment_definition_id
    AND t.run = a.experiment_run_number::integer AND t.treatment_key = appconfig_treatment_key(a.variant)
ORDER BY a.entity_id;
RESET enable_nestloop;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- outer, semi and anti joins
SELECT a.entity_id, r.run, r.status
FROM assignments AS a LEFT JOIN experiment_runs AS r
    ON (r.application_id, r.experiment_definition_id, r.run) = (a.application_id, a.experiment_definition_id, a.experiment_run_number::integer)
ORDER BY a.entity_id;
SELECT r.run, a.entity_id
FROM assignments AS a RIGHT JOIN experiment_runs AS r
    ON r.application_id = a.application_id AND r.experiment_definition_id = a.experiment_definition_id AND r.run = a.experiment_run_number::integer
WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1' ORDER BY r.run, a.entity_id;
SELECT count(*), count(a.entity_id), count(r.run)
FROM assignments AS a FULL JOIN (SELECT * FROM experiment_runs WHERE application_id IN ('shop4x1', 'search8')) AS r
    ON r.application_id = a.application_id AND r.experiment_definition_id = a.experiment_definition_id AND r.run = a.experiment_run_number::integer;
SELECT entity_id FROM assignments AS a
WHERE EXISTS (SELECT 1 FROM experiment_runs AS r WHERE r.application_id = a.application_id
              AND r.experiment_definition_id = a.experiment_definition_id AND r.run = a.experiment_run_number::integer AND r.status = 'RUNNING')
ORDER BY entity_id;
SELECT entity_id FROM assignments AS a
WHERE NOT EXISTS (SELECT 1 FROM experiment_runs AS r WHERE r.application_id = a.application_id
                  AND r.experiment_definition_id = a.experiment_definition_id AND r.run = a.experiment_run_number::integer)
ORDER BY entity_id;
\! test/emulator/ctl.py clear
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (SELECT experiment_run_number::integer FROM assignments)
ORDER BY run;
\! test/emulator/ctl.py calls
SELECT run FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run NOT IN (SELECT experiment_run_number::integer FROM assignments WHERE experiment_run_number IS NOT NULL);
SELECT run FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run NOT IN (SELECT experiment_run_number::integer FROM assignments);

-- LATERAL, and correlated subqueries
\! test/emulator/ctl.py clear
SELECT d.id, n, x.treatment_key, x.weight
FROM (VALUES ('addcrt1', 2), ('chkout2', 1), ('nosuch1', 1), ('addcrt1', 2)) AS d(id, n),
     LATERAL (SELECT treatment_key, weight FROM treatments WHERE application_id = 'shop4x1' AND experiment_definition_id = d.id AND run = d.n
              ORDER BY ordinal DESC LIMIT 1) AS x
ORDER BY d.id;
-- each document is fetched once, however often the statement comes back to it
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT entity_id, (SELECT exposure_percentage FROM experiment_runs AS r WHERE r.application_id = a.application_id
                   AND r.experiment_definition_id = a.experiment_definition_id AND r.run = a.experiment_run_number::integer) AS exposure_percentage
FROM assignments AS a ORDER BY entity_id;
\! test/emulator/ctl.py calls

--
-- One statement, one state
--
\! test/emulator/ctl.py clear
SELECT a.run, a.exposure_percentage = b.exposure_percentage AS same FROM experiment_runs AS a JOIN experiment_runs AS b USING (application_id, experiment_definition_id, run)
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' ORDER BY run;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT r.run, count(DISTINCT t.treatment_key) AS treatments, count(DISTINCT o.entity_id) AS overrides
FROM experiment_runs AS r JOIN treatments AS t USING (application_id, experiment_definition_id, run)
LEFT JOIN treatment_overrides AS o USING (application_id, experiment_definition_id, run)
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND r.exposure_percentage >= 0
GROUP BY r.run ORDER BY r.run;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*), count(exposure_percentage) FROM (
    SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = 'shop4x1'
    UNION ALL
    SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3
    UNION ALL
    SELECT run, weight FROM treatments WHERE application_id = 'shop4x1' AND is_control) AS x;
\! test/emulator/ctl.py calls
-- all of the hierarchy
SELECT a.application_name, d.experiment_definition_name, r.run, e.environment_name, p.configuration_profile_name
FROM applications AS a
JOIN experiment_definitions AS d USING (application_id)
JOIN experiment_runs AS r USING (application_id, experiment_definition_id)
LEFT JOIN environments AS e ON e.application_id = d.application_id AND e.environment_id = d.environment_id
LEFT JOIN configuration_profiles AS p ON p.application_id = d.application_id AND p.configuration_profile_id = d.configuration_profile_id
WHERE r.status = 'DONE' AND a.application_name IN ('storefront', 'long-history', 'test-application') AND r.run < 3
ORDER BY 1, 2, 3;
-- a volatile function in between does not make it ask again
\! test/emulator/ctl.py clear
SELECT count(*) FROM generate_series(1, 5) AS n, LATERAL (SELECT exposure_percentage + random() * n AS x FROM experiment_runs
    WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 1 + n % 2) AS y;
\! test/emulator/ctl.py calls
-- recursion
\! test/emulator/ctl.py clear
WITH RECURSIVE chain(run, exposure_percentage) AS (
    SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 1
    UNION ALL
    SELECT r.run, r.exposure_percentage FROM chain AS c JOIN experiment_runs AS r ON r.run = c.run + 1
    WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1')
SELECT * FROM chain ORDER BY run;
\! test/emulator/ctl.py calls

--
-- Roles
--
CREATE ROLE regress_appconfig_owner;
CREATE ROLE regress_appconfig_reader;
GRANT USAGE ON SCHEMA appconfig TO regress_appconfig_owner, regress_appconfig_reader;
GRANT CREATE ON SCHEMA public TO regress_appconfig_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA appconfig TO regress_appconfig_owner, regress_appconfig_reader;
CREATE USER MAPPING FOR regress_appconfig_owner SERVER appconfig OPTIONS (access_key_id 'AKIDOTHER', secret_access_key 'other-secret');
SET ROLE regress_appconfig_owner;
CREATE VIEW public.owned AS
SELECT run, exposure_percentage FROM appconfig.experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
GRANT SELECT ON public.owned TO regress_appconfig_reader;
RESET ROLE;
\setenv KEYS 'test/emulator/ctl.py log | sed -E "s/.*\\"operation\\": \\"([A-Za-z]+)\\".*\\"key\\": \\"([A-Z]+)\\".*/\\2 \\1/" | sort | uniq -c | sed "s/^ *//"'
-- the keys are those of the view's owner, whoever asks
\! test/emulator/ctl.py clear
SET ROLE regress_appconfig_reader;
SELECT * FROM owned WHERE run = 1;
SELECT run FROM experiment_runs WHERE application_id = 'shop4x1'; -- ERROR
RESET ROLE;
\! eval "$KEYS"
-- two roles in one statement do not share what was fetched
\! test/emulator/ctl.py clear
SELECT o.run, o.exposure_percentage = r.exposure_percentage AS same FROM owned AS o JOIN experiment_runs AS r USING (run)
WHERE o.run = 1 AND r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1' AND r.run = 1;
\! eval "$KEYS"
-- a barrier stays one: no row is seen before the view's own clause, not even by a cheap function
SET ROLE regress_appconfig_owner;
CREATE VIEW public.guarded WITH (security_barrier) AS
SELECT run, status, exposure_percentage FROM appconfig.experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND exposure_percentage < 10;
GRANT SELECT ON public.guarded TO regress_appconfig_reader;
RESET ROLE;
CREATE FUNCTION public.leak(integer, text) RETURNS boolean COST 0.0001 LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'run % is %', $1, $2;
    RETURN true;
END
$$;
SET ROLE regress_appconfig_reader;
SELECT * FROM guarded WHERE leak(run, status);
RESET ROLE;

--
-- Writing elsewhere, and locks
--
CREATE TABLE public.copy AS SELECT run, status, exposure_percentage FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
UPDATE copy SET exposure_percentage = -1;
UPDATE copy SET exposure_percentage = r.exposure_percentage FROM experiment_runs AS r
WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1' AND r.run = copy.run;
SELECT * FROM copy ORDER BY run;
DELETE FROM copy USING experiment_runs AS r
WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1' AND r.run = copy.run AND r.status = 'DONE';
SELECT run FROM copy;
INSERT INTO copy SELECT run, status, exposure_percentage FROM experiment_runs WHERE application_id = 'search8' RETURNING run, status;
SELECT c.run, c.status, r.treatment_overrides FROM copy AS c JOIN experiment_runs AS r ON r.run = c.run
WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1' ORDER BY c.run FOR UPDATE OF c;
SELECT c.run, r.exposure_percentage FROM copy AS c JOIN experiment_runs AS r ON r.run = c.run
WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1' ORDER BY c.run FOR UPDATE;

--
-- Cursors
--
BEGIN;
DECLARE s SCROLL CURSOR FOR SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2, 3);
FETCH LAST FROM s;
FETCH FIRST FROM s;
FETCH ABSOLUTE 2 FROM s;
FETCH BACKWARD ALL FROM s;
FETCH FORWARD ALL FROM s;
DECLARE h CURSOR WITH HOLD FOR SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2, 3);
FETCH 1 FROM h;
COMMIT;
\! test/emulator/ctl.py clear
FETCH ALL FROM h;
CLOSE h;
\! test/emulator/ctl.py calls
BEGIN;
DECLARE one CURSOR FOR SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
DECLARE two CURSOR FOR SELECT run, weight FROM treatments WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
FETCH 1 FROM one;
FETCH 2 FROM two;
FETCH 1 FROM one;
SELECT count(*) FROM experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
FETCH 2 FROM two;
CLOSE one;
FETCH 1 FROM two;
MOVE FORWARD ALL FROM two;
COMMIT;

-- partitions of one table, and inheritance
CREATE TABLE public.everywhere (region text, application_id text, experiment_definition_id text, run integer, exposure_percentage double precision) PARTITION BY LIST (region);
CREATE FOREIGN TABLE public.here PARTITION OF everywhere FOR VALUES IN ('us-east-1') SERVER appconfig OPTIONS (object 'experiment_runs');
\! test/emulator/ctl.py clear
SELECT * FROM everywhere WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run < 3 ORDER BY run;
SELECT tableoid::regclass, run FROM everywhere WHERE region = 'us-east-1' AND application_id = 'mobile6';
SELECT count(*) FROM everywhere WHERE region = 'eu-west-1';
\! test/emulator/ctl.py calls

DROP VIEW owned, guarded;
DROP TABLE everywhere, copy, assignments;
DROP FUNCTION leak;
DROP OWNED BY regress_appconfig_owner, regress_appconfig_reader;
DROP ROLE regress_appconfig_owner, regress_appconfig_reader;
\i sql/teardown.psql
