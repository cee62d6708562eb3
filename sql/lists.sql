--
-- Lists or Gets: what is fully known by its keys is asked for one by one, or
-- lists tell first what there is, whichever is cheaper
--
-- emulator: --data nasty
--
\i sql/setup.psql

-- what there is, by lists alone
SET appconfig_fdw.enable_pushdown = off;
CREATE TABLE public.runs AS
SELECT application_id AS a, experiment_definition_id AS d, experiment_definition_name AS n, run AS r, status, exposure_percentage AS e
FROM experiment_runs;
CREATE TABLE public.definitions AS
SELECT application_id AS a, application_name AS name, experiment_definition_id AS d, experiment_definition_name AS n FROM experiment_definitions;
CREATE TABLE public.events AS
SELECT application_id AS a, experiment_definition_id AS d, run AS r, event_type, occurred_at FROM run_events;
RESET appconfig_fdw.enable_pushdown;

-- rows that both have, rows that one of them alone has
CREATE FUNCTION public.compare(actual text, wanted text, OUT same bigint, OUT missing bigint, OUT extra bigint)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TEMPORARY TABLE actual AS %s', actual);
    EXECUTE format('CREATE TEMPORARY TABLE wanted AS %s', wanted);
    SELECT count(*) INTO same FROM (SELECT * FROM actual INTERSECT ALL SELECT * FROM wanted) AS x;
    SELECT count(*) INTO missing FROM (SELECT * FROM wanted EXCEPT ALL SELECT * FROM actual) AS x;
    SELECT count(*) INTO extra FROM (SELECT * FROM actual EXCEPT ALL SELECT * FROM wanted) AS x;
    DROP TABLE actual, wanted;
END
$$;
CREATE FUNCTION public.product(applications text[], definitions text[], runs integer[], OUT same bigint, OUT missing bigint, OUT extra bigint)
LANGUAGE sql AS $$
SELECT * FROM public.compare(
    format('SELECT application_id, experiment_definition_id, run, status, exposure_percentage FROM appconfig.experiment_runs
            WHERE application_id = ANY (%L) AND experiment_definition_id = ANY (%L) AND run = ANY (%L)', applications, definitions, runs),
    format('SELECT a, d, r, status, e FROM public.runs WHERE a = ANY (%L) AND d = ANY (%L) AND r = ANY (%L)', applications, definitions, runs))
$$;

--
-- Runs of one definition
--
CREATE VIEW public.carts AS
SELECT run, status, exposure_percentage AS exposure FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
SELECT array_agg(n) AS numbers FROM generate_series(1, 1500) AS n \gset
\! test/emulator/ctl.py clear
SELECT run, exposure FROM carts WHERE run = ANY (:'numbers') ORDER BY run;
\! test/emulator/ctl.py calls
-- a handful are Gets
\! test/emulator/ctl.py clear
SELECT run, exposure FROM carts WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9) ORDER BY run;
\! test/emulator/ctl.py calls
-- as many as a List is worth
\! test/emulator/ctl.py clear
SELECT run, exposure FROM carts WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10) ORDER BY run;
\! test/emulator/ctl.py calls
-- what is filtered away is not fetched, nor what the list says; but who else's the definition could be, its document has to show
\! test/emulator/ctl.py clear
SELECT run, status FROM carts WHERE run = ANY (:'numbers') ORDER BY run;
SELECT run, exposure FROM carts WHERE run = ANY (:'numbers') AND status = 'RUNNING';
\! test/emulator/ctl.py calls --paths
-- one that is not there
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'nosuch1' AND run = ANY (:'numbers');
\! test/emulator/ctl.py calls
-- by its name
\! test/emulator/ctl.py clear
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_name = 'add-to-cart-button' AND run = ANY (:'numbers') ORDER BY run;
\! test/emulator/ctl.py calls --paths --sort

-- many pages: as many as the Gets are worth, and then these
CREATE VIEW public.weeks AS
SELECT run, exposure_percentage AS exposure FROM experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
\! test/emulator/ctl.py clear
SELECT count(*), count(exposure) FROM weeks WHERE run = ANY (:'numbers');
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*), min(run), max(run), count(DISTINCT run) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(101, 125))) AND exposure >= 0;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*), min(run), max(run), count(DISTINCT run) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 12))) AND exposure >= 0;
\! test/emulator/ctl.py calls
-- no further than to the last that is wanted
\! test/emulator/ctl.py clear
SELECT count(*), count(DISTINCT run) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 50))) AND exposure >= 0;
SELECT count(*), count(DISTINCT run) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(71, 120))) AND exposure >= 0;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*), count(DISTINCT run) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(45, 99))) AND exposure >= 0;
\! test/emulator/ctl.py calls

--
-- Many combinations
--
SELECT array_agg(a ORDER BY a) AS applications FROM (SELECT a FROM public.runs GROUP BY a ORDER BY count(*) DESC, a LIMIT 10) AS x \gset
SELECT array_agg(d ORDER BY d) AS definitions
FROM (SELECT d FROM public.definitions WHERE a = ANY (:'applications') ORDER BY a <> 'many120' AND a <> 'app120x' DESC, d DESC LIMIT 60) AS x \gset
SELECT array_agg(n) AS runs FROM generate_series(1, 10) AS n \gset
SELECT array_length(:'applications'::text[], 1) AS applications, array_length(:'definitions'::text[], 1) AS definitions,
       count(*) AS exist, count(DISTINCT (a, d)) AS with_runs
FROM public.runs WHERE a = ANY (:'applications') AND d = ANY (:'definitions') AND r = ANY (:'runs');
\! test/emulator/ctl.py clear
SELECT * FROM public.product(:'applications', :'definitions', :'runs');
\! test/emulator/ctl.py calls
-- 20 × 20 × 20
SELECT array_agg(a ORDER BY a) AS applications FROM (SELECT DISTINCT a FROM public.runs ORDER BY a LIMIT 20) AS x \gset
SELECT array_agg(d ORDER BY d) AS definitions FROM (SELECT DISTINCT ON (a) d FROM public.definitions WHERE a = ANY (:'applications') ORDER BY a, d) AS x \gset
SELECT array_agg(n) AS runs FROM generate_series(1, 20) AS n \gset
SELECT array_length(:'applications'::text[], 1) AS applications, array_length(:'definitions'::text[], 1) AS definitions,
       count(*) AS exist, count(DISTINCT (a, d)) AS with_runs
FROM public.runs WHERE a = ANY (:'applications') AND d = ANY (:'definitions') AND r = ANY (:'runs');
\! test/emulator/ctl.py clear
SELECT * FROM public.product(:'applications', :'definitions', :'runs');
\! test/emulator/ctl.py calls
-- more applications than that have one list
SELECT array_agg(a ORDER BY a) AS applications FROM (SELECT DISTINCT a FROM public.runs ORDER BY a LIMIT 21) AS x \gset
\! test/emulator/ctl.py clear
SELECT * FROM public.product(:'applications', :'definitions', :'runs');
\! test/emulator/ctl.py calls
-- few in each of many applications
\! test/emulator/ctl.py clear
SELECT * FROM public.product(:'applications', ARRAY['addcrt1', 'bsxyd7k', 'nosuch1'], '{1}');
\! test/emulator/ctl.py calls
-- a few in all
\! test/emulator/ctl.py clear
SELECT * FROM public.product('{shop4x1,339ohji}', '{addcrt1,chkout2,bsxyd7k}', '{1}');
\! test/emulator/ctl.py calls
-- row by row: each application for itself
\! test/emulator/ctl.py clear
SELECT count(*), count(exposure_percentage) FROM experiment_runs
WHERE (application_id, experiment_definition_id, run) IN (('shop4x1', 'addcrt1', 1), ('shop4x1', 'addcrt1', 4),
    ('many120', 'md00001', 1), ('many120', 'md00002', 1), ('many120', 'md00003', 1), ('many120', 'md00004', 1),
    ('many120', 'md00005', 1), ('many120', 'md00006', 1), ('many120', 'md99991', 1), ('many120', 'md99992', 1),
    ('many120', 'md99993', 1), ('many120', 'md99994', 1));
\! test/emulator/ctl.py calls --paths --sort

--
-- Other things
--
-- definitions
\! test/emulator/ctl.py clear
SELECT count(*), count(audience_rule) FROM experiment_definitions WHERE application_id = 'shop4x1'
    AND experiment_definition_id IN ('addcrt1', 'chkout2', 'x000001', 'x000002', 'x000003', 'x000004', 'x000005', 'x000006', 'x000007', 'x000008');
SELECT count(*) FROM experiment_definitions WHERE application_id = 'shop4x1'
    AND experiment_definition_id IN ('addcrt1', 'chkout2', 'x000001', 'x000002', 'x000003', 'x000004', 'x000005', 'x000006', 'x000007', 'x000008');
\! test/emulator/ctl.py calls
-- an environment that is no more filters them all the same
SELECT experiment_definition_id FROM experiment_definitions WHERE application_id = 'app120x' AND environment_id = 'gone0ev'
    AND experiment_definition_id IN ('archgn0', 'def120x', 'x000001', 'x000002', 'x000003', 'x000004', 'x000005', 'x000006', 'x000007', 'x000008');
-- environments
\! test/emulator/ctl.py clear
SELECT environment_id, environment_name FROM environments WHERE application_id = 'shop4x1'
    AND environment_id IN ('prod7e2', 'stag3e9', 'x000001', 'x000002', 'x000003', 'x000004', 'x000005', 'x000006', 'x000007', 'x000008')
ORDER BY 1;
\! test/emulator/ctl.py calls
-- the events of a run are a list of their own: to save five, one is worth it
\! test/emulator/ctl.py clear
SELECT * FROM public.compare(
    $$ SELECT run, event_type, occurred_at FROM run_events WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (2, 3, 4, 5) $$,
    $$ SELECT r, event_type, occurred_at FROM public.events WHERE a = 'shop4x1' AND d = 'addcrt1' AND r IN (2, 3, 4, 5) $$);
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT * FROM public.compare(
    $$ SELECT run, event_type, occurred_at FROM run_events WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (2, 3, 4, 5, 6) $$,
    $$ SELECT r, event_type, occurred_at FROM public.events WHERE a = 'shop4x1' AND d = 'addcrt1' AND r IN (2, 3, 4, 5, 6) $$);
\! test/emulator/ctl.py calls
-- and so are the runs of a definition
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id IN ('addcrt1', 'x000001', 'x000002', 'x000003');
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id IN ('addcrt1', 'x000001', 'x000002', 'x000003', 'x000004');
\! test/emulator/ctl.py calls

--
-- Names and ids
--
-- an application's name is no id, however many runs are asked for
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE application_id = 'storefront' AND experiment_definition_id = 'addcrt1' AND run = ANY (:'numbers');
SELECT count(*) FROM experiment_runs WHERE application_id = 'nasty01' AND experiment_definition_id = 'nastyd1' AND run = ANY (:'numbers');
SELECT count(*) FROM experiment_runs WHERE application_id = 'nasty01' AND experiment_definition_id = 'nastyd2' AND run = ANY (:'numbers');
SELECT experiment_definition_id, count(*) FROM experiment_runs
WHERE application_id = 'nasty01' AND experiment_definition_name = 'nastyd1' AND run = ANY (:'numbers') GROUP BY 1;
SELECT experiment_definition_id, count(*) FROM experiment_runs
WHERE application_id = 'nasty01' AND experiment_definition_name IN ('nastyd1', 'plain') AND run = ANY (:'numbers') GROUP BY 1 ORDER BY 1;
-- where a list stands in for documents, one proves what they would have proved: an application's name can look like an id
\! test/emulator/ctl.py mutate rename_application application=shop4x1 name=shop999
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop999' AND experiment_definition_id = 'addcrt1' AND run = ANY (:'numbers');
\! test/emulator/ctl.py mutate rename_application application=shop4x1 name=storefront
-- names that are weird in all ways
SELECT * FROM public.compare(
    format($$ SELECT application_id, experiment_definition_name, run FROM public.definitions d, experiment_runs r
              WHERE d.a LIKE 'wn%%' AND r.application_id = d.a AND r.experiment_definition_name = d.n AND run = ANY (%L) $$, :'numbers'),
    $$ SELECT a, n, r FROM public.runs WHERE a LIKE 'wn%' $$);
SELECT * FROM public.compare(
    $$ SELECT application_id, experiment_definition_name, run FROM experiment_runs
       WHERE application_id = ANY (ARRAY(SELECT a FROM public.definitions WHERE a LIKE 'wn%'))
         AND experiment_definition_name = ANY (ARRAY(SELECT n FROM public.definitions WHERE a LIKE 'wn%')) AND run = 1 $$,
    $$ SELECT a, n, r FROM public.runs WHERE a LIKE 'wn%' AND r = 1 $$);

--
-- The price is that of the server's rates; without a limit, of the service's
--
ALTER SERVER appconfig OPTIONS (SET max_get_rate '10000', SET max_list_rate '100');
\! test/emulator/ctl.py clear
SELECT count(exposure) FROM carts WHERE run = ANY (:'numbers') AND run < 100;
SELECT count(exposure) FROM carts WHERE run = ANY (:'numbers') AND run <= 100;
\! test/emulator/ctl.py calls
ALTER SERVER appconfig OPTIONS (SET max_get_rate '100000', SET max_list_rate '100000');
\! test/emulator/ctl.py clear
SELECT count(exposure) FROM carts WHERE run IN (1, 2, 3, 4);
SELECT count(exposure) FROM carts WHERE run IN (1, 2, 3, 4, 5);
\! test/emulator/ctl.py calls
ALTER SERVER appconfig OPTIONS (SET max_get_rate '0', SET max_list_rate '0');

--
-- EXPLAIN prints the route
--
EXPLAIN (COSTS OFF) SELECT exposure FROM carts WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9);
EXPLAIN (COSTS OFF) SELECT exposure FROM carts WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
EXPLAIN (COSTS OFF) SELECT exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id IN ('a', 'b', 'c', 'd', 'e') AND run IN (1, 2);
EXPLAIN (COSTS OFF) SELECT * FROM run_events
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2, 3, 4, 5);
-- how long an array is, is not known before
PREPARE by_run(integer[]) AS SELECT exposure FROM carts WHERE run = ANY ($1);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_run('{1}');
\! test/emulator/ctl.py clear
EXECUTE by_run('{1}');
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
EXECUTE by_run('{11,12,13,14,15,16,17,18,19,20}');
\! test/emulator/ctl.py calls
RESET plan_cache_mode;
DEALLOCATE by_run;
-- what is expected is what is done: not 1500 rows
CREATE FUNCTION public.expected_rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan #>> '{0,Plan,Plan Rows}';
END
$$;
SELECT expected_rows(format('SELECT exposure FROM carts WHERE run = ANY (%L)', :'numbers')),
       expected_rows('SELECT exposure FROM carts WHERE run IN (1, 2, 3)');

--
-- Who may not list gets the Gets
--
CREATE FUNCTION public.state_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;
CREATE FUNCTION public.explained(query text, OUT rows text, OUT calls text, OUT denied text) LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json) ' || query INTO plan;
    plan := plan #> '{0,Plan}';
    rows := round((plan ->> 'Actual Rows')::numeric);
    calls := plan ->> 'Calls';
    denied := plan ->> 'Denied Lists';
END
$$;
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation ListExperimentRuns
\! test/emulator/ctl.py clear
SELECT run, exposure FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 20))) ORDER BY run;
\! test/emulator/ctl.py calls
-- which is remembered
\! test/emulator/ctl.py clear
SELECT count(*) FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 20)));
\! test/emulator/ctl.py calls
-- of the application; of others it is asked for
\! test/emulator/ctl.py clear
SELECT count(*) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(101, 130)));
\! test/emulator/ctl.py calls
-- where there is no other way it is an error
SELECT state_of('SELECT count(*) FROM carts');
SELECT state_of('SELECT count(*) FROM carts WHERE run > 1');
\! test/emulator/ctl.py nofaults
-- an option that changes makes a new session, which knows nothing of it
ALTER SERVER appconfig OPTIONS (ADD max_attempts '3');
\! test/emulator/ctl.py clear
SELECT count(exposure) FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 20)));
\! test/emulator/ctl.py calls

-- of definitions, operation by operation
SELECT array_agg(n) AS runs FROM generate_series(1, 10) AS n \gset
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation ListExperimentDefinitions
\! test/emulator/ctl.py clear
SELECT * FROM public.product('{shop4x1,search8}', '{addcrt1,chkout2,herob01,rankng3,x000001,x000002}', :'runs');
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT * FROM public.product('{shop4x1,search8}', '{addcrt1,chkout2,herob01,rankng3,x000001,x000002}', '{1,2,3}');
\! test/emulator/ctl.py calls
SELECT state_of($$ SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' $$);
\! test/emulator/ctl.py nofaults
ALTER SERVER appconfig OPTIONS (DROP max_attempts);
-- neither
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --path 'events|max_results'
\! test/emulator/ctl.py clear
SELECT * FROM public.product('{shop4x1,search8}', '{addcrt1,chkout2,herob01,rankng3,x000001,x000002}', :'runs');
\! test/emulator/ctl.py calls | grep Get
-- many at once
\! test/emulator/ctl.py clear
SELECT * FROM public.product('{shop4x1,search8,mobile6,app120x}', '{addcrt1,chkout2,herob01,rankng3,onbrd44,def120x}', :'runs');
\! test/emulator/ctl.py calls --paths | grep -vc max_results
SELECT * FROM explained('SELECT exposure FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 20)))');
\! test/emulator/ctl.py nofaults
ALTER SERVER appconfig OPTIONS (ADD max_attempts '3');
-- in the middle of the pages
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation ListExperimentRuns --path next_token
SELECT count(*), count(DISTINCT run), count(exposure) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 130)));
\! test/emulator/ctl.py nofaults
ALTER SERVER appconfig OPTIONS (DROP max_attempts);
SELECT * FROM explained('SELECT exposure FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 20)))');
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation ListExperimentRuns --times 1
SELECT * FROM explained('SELECT exposure FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 20)))');
\! test/emulator/ctl.py nofaults
ALTER SERVER appconfig OPTIONS (ADD max_attempts '3');
-- who may not read definitions needs none of their documents: those of the runs prove what they belong to
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation GetExperimentDefinition
\! test/emulator/ctl.py clear
SELECT run, status FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 12))) ORDER BY run;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 12))) AND status = 'RUNNING';
\! test/emulator/ctl.py calls
-- also of a name that the service has taken for an id
\! test/emulator/ctl.py clear
SELECT run, status FROM experiment_runs WHERE application_id = (SELECT DISTINCT name FROM public.definitions WHERE a = 'shop4x1')
    AND experiment_definition_id = 'addcrt1' AND run = ANY (ARRAY(SELECT generate_series(1, 12)));
\! test/emulator/ctl.py calls
-- but nothing does without what is denied as well
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation GetExperimentRun
SELECT state_of('SELECT run, status FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 12)))');
\! test/emulator/ctl.py nofaults
SELECT * FROM explained('SELECT run, status FROM carts WHERE run = ANY (ARRAY(SELECT generate_series(1, 12)))');
EXPLAIN (COSTS OFF) SELECT run, status FROM carts WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

-- nor may in a transaction that sees one state: of definitions, whose names can be asked for there, too; those of runs need the list
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation ListExperimentDefinitions
BEGIN ISOLATION LEVEL REPEATABLE READ;
\! test/emulator/ctl.py clear
SELECT experiment_definition_id, status FROM experiment_definitions WHERE application_id = 'shop4x1' AND experiment_definition_name = 'add-to-cart-button';
SELECT experiment_definition_name, status FROM experiment_definitions WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
\! test/emulator/ctl.py calls --paths
SELECT state_of($$ SELECT run FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_name = 'add-to-cart-button' AND run = 2 $$);
SELECT run, status FROM carts WHERE run = 2;
COMMIT;
SELECT run, status FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_name = 'add-to-cart-button' AND run = 2;
\! test/emulator/ctl.py nofaults
-- any other failure is one
\! test/emulator/ctl.py fault status --status 500 --operation ListExperimentRuns
SELECT state_of(format('SELECT FROM carts WHERE run = ANY (%L)', :'numbers'));
\! test/emulator/ctl.py nofaults
-- and so is a Get that is denied as well
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException
SELECT state_of(format('SELECT FROM carts WHERE run = ANY (%L)', :'numbers'));
\! test/emulator/ctl.py nofaults

DROP FUNCTION public.explained, public.state_of, public.expected_rows, public.product, public.compare;
DROP VIEW public.weeks, public.carts;
DROP TABLE public.events, public.definitions, public.runs;
\i sql/teardown.psql
