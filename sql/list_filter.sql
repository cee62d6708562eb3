--
-- Clauses that lists answer: checked before anything below is asked for
--
\i sql/setup.psql

--
-- At the list of definitions: its runs are not even listed
--
\! test/emulator/ctl.py clear
SELECT experiment_definition_name, run, exposure_percentage FROM experiment_runs
WHERE experiment_definition_name LIKE 'add%' ORDER BY 1, 2;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT DISTINCT experiment_definition_id, run FROM treatments
WHERE experiment_definition_id > 'r' AND experiment_definition_id NOT IN ('winner5') ORDER BY 1, 2;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*) FROM run_events WHERE application_id = 'shop4x1' AND right(experiment_definition_name, 6) = 'button';
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT treatment_key, attribute_key FROM definition_attribute_values
WHERE application_id = 'shop4x1' AND experiment_definition_name ~ '^one' ORDER BY 1, 2;
\! test/emulator/ctl.py calls --paths --sort
-- a run that is known is not asked for in definitions that fail
\! test/emulator/ctl.py clear
SELECT experiment_definition_id, treatment_key FROM treatments
WHERE application_id = 'shop4x1' AND run = 1 AND experiment_definition_name <> 'add-to-cart-button' ORDER BY 1, 2;
\! test/emulator/ctl.py calls --paths --sort

--
-- At the list of runs, whatever its document falls into
--
\! test/emulator/ctl.py clear
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run % 40 = 0 AND started_at IS NOT NULL ORDER BY 1;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run, count(*) FROM attribute_values
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run % 40 = 0 GROUP BY run ORDER BY run;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run, count(*) FROM treatment_overrides
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run <> 2 GROUP BY run ORDER BY run;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT run, count(*) FROM run_events
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run % 5 = 3 GROUP BY run;
\! test/emulator/ctl.py calls --paths --sort

--
-- At the list of applications: one that passes is as good as a key, of several the account's list shows what there is
--
\! test/emulator/ctl.py clear
SELECT application_name, experiment_definition_id, run, exposure_percentage FROM experiment_runs
WHERE application_name LIKE 'store%' AND run = 1 ORDER BY 2;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT application_name, count(*) FROM experiment_definitions WHERE application_name LIKE 's%' GROUP BY 1 ORDER BY 1;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT application_name, count(*) FROM environments WHERE application_name LIKE 's%' GROUP BY 1 ORDER BY 1;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE application_name = 'storefront' AND application_name NOT LIKE 'store%';
\! test/emulator/ctl.py calls

--
-- What has to wait
--
-- columns of the document, also beside others in one clause
\! test/emulator/ctl.py clear
SELECT run FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND (status = 'RUNNING' OR exposure_percentage < 2) ORDER BY run;
\! test/emulator/ctl.py calls
-- volatile functions and subqueries; a treatment's description is not a run's
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run + 0 * random() = 3;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*) FROM treatments WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND description LIKE 'A%';
\! test/emulator/ctl.py calls
-- a clause that can fail, for what is no row: an application or a definition without runs, a run without overrides
SELECT count(*) FROM experiment_runs WHERE 1 / (CASE WHEN application_name = 'Test-Application' THEN 0 ELSE 1 END) = 1;
SELECT count(*) FROM experiment_runs WHERE 1 / (CASE WHEN experiment_definition_name = 'never-started' THEN 0 ELSE 1 END) = 1;
\! test/emulator/ctl.py clear
SELECT count(*) FROM treatment_overrides WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND 1 / (run - 2) <> 5;
\! test/emulator/ctl.py calls
SELECT count(*) FROM treatment_overrides WHERE application_id = '339ohji' AND run - 2147483647 - 5 < 0;
SELECT count(*) FROM treatment_overrides WHERE application_id = '339ohji' AND coalesce(experiment_definition_name ~ '(', true);
SELECT count(*) FROM treatment_overrides WHERE application_id = '339ohji' AND coalesce(experiment_definition_name LIKE 'a\', true);
-- nor does one overtake another that would have kept it from the row
SELECT run FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND hypothesis = 'none' AND 1 / (run - 1) > 0;
-- but it does where each item is a row, as over a copy
SELECT count(exposure_percentage) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND 1 / (run - 2) <> 5;
\! test/emulator/ctl.py clear
SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND 6 / run = 2;
\! test/emulator/ctl.py calls
-- a clause that may tell somebody what it sees waits for the one that hides it, which waits for the document
CREATE FUNCTION public.tell(integer) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
$$BEGIN RAISE NOTICE 'told of run %', $1; RETURN true; END$$ IMMUTABLE;
CREATE VIEW public.hidden WITH (security_barrier) AS
SELECT * FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND exposure_percentage < 50;
SELECT run FROM public.hidden WHERE tell(run);
-- one that hides by what the list says is checked there, before the other
CREATE OR REPLACE VIEW public.hidden WITH (security_barrier) AS
SELECT * FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND status <> 'RUNNING';
\! test/emulator/ctl.py clear
SELECT run, exposure_percentage FROM public.hidden WHERE tell(run) ORDER BY run;
\! test/emulator/ctl.py calls --paths --sort

--
-- EXPLAIN tells which is which
--
EXPLAIN (COSTS OFF) SELECT exposure_percentage FROM experiment_runs
WHERE application_name LIKE 's%' AND experiment_definition_name LIKE 'a%' AND run % 2 = 1 AND status <> 'DONE' AND exposure_percentage > 10;
-- without a list nothing can be checked before
EXPLAIN (COSTS OFF) SELECT exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 1 AND status <> 'DONE';
SET appconfig_fdw.enable_pushdown = off;
EXPLAIN (COSTS OFF) SELECT exposure_percentage FROM experiment_runs WHERE experiment_definition_name LIKE 'a%' AND run = 1;
\! test/emulator/ctl.py clear
SELECT experiment_definition_name, run, exposure_percentage FROM experiment_runs
WHERE experiment_definition_name LIKE 'add%' ORDER BY 1, 2;
\! test/emulator/ctl.py calls

DROP VIEW public.hidden;
DROP FUNCTION public.tell;
\i sql/teardown.psql
