--
-- max_calls: how many calls a statement may make of a server
--
\i sql/setup.psql
-- where calls that nobody waited for are cut off, some have arrived and some not: no more than so many
\setenv WITHIN 'within() { made=$(test/emulator/ctl.py log | wc -l); if [ $made -le $1 ]; then echo "within $1"; else echo $made; fi; }; within'
CREATE VIEW public.weeks AS
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
CREATE VIEW public.buttons AS
SELECT run, exposure_percentage, application_name FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';

-- the option and the setting
ALTER SERVER appconfig OPTIONS (ADD max_calls '-1'); -- ERROR
ALTER SERVER appconfig OPTIONS (ADD max_calls 'many'); -- ERROR
SHOW appconfig_fdw.max_calls;
SET appconfig_fdw.max_calls = -1; -- ERROR

-- what keys alone take is known before the first call
SET appconfig_fdw.max_calls = 5;
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6, 7); -- ERROR
SELECT run FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6, 7) AND exposure_percentage > 0; -- ERROR
SELECT run FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6, 7) ORDER BY exposure_percentage LIMIT 1; -- ERROR
CREATE TABLE public.kept AS SELECT * FROM weeks WITH NO DATA;
INSERT INTO kept SELECT * FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6, 7); -- ERROR
SELECT count(*) FROM run_events WHERE application_id = 'app120x' AND experiment_definition_id IN ('def120x', 'norun00') AND run = ANY ('{1,2,3}'); -- ERROR
PREPARE by_runs(integer[]) AS SELECT run FROM weeks WHERE run = ANY ($1) AND exposure_percentage > 0;
SET plan_cache_mode = force_generic_plan;
EXECUTE by_runs('{1,2,3,4,5,6,7}'); -- ERROR
\! test/emulator/ctl.py calls
-- as many as there may be are none too many
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4, 5);
EXECUTE by_runs('{1,2,3,4,5}');
\! test/emulator/ctl.py calls
-- an answer that two need is one call, and so are the same keys in two ways
\! test/emulator/ctl.py clear
SELECT count(*) FROM weeks a JOIN weeks b USING (run) WHERE run IN (1, 2, 3, 4) AND a.exposure_percentage > 0 AND b.exposure_percentage > 0;
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4, 5) OR run IN (5, 4, 3, 2, 1);
\! test/emulator/ctl.py calls

-- and what is found out on the way counts when it would be too much
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks; -- ERROR
\! eval "$WITHIN 5"
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs WHERE application_id IN ('app120x', 'shop4x1', '339ohji'); -- ERROR
\! eval "$WITHIN 5"
SET appconfig_fdw.max_calls = 12;
SELECT count(*) FROM experiment_runs WHERE application_id IN ('app120x', 'shop4x1', '339ohji');

-- a list is to save calls: where Gets fit in, but not with a list that might save none, there is none
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 12)));
\! test/emulator/ctl.py calls
SET appconfig_fdw.max_calls = 24;
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id IN ('def120x', 'norun00')
    AND run = ANY (ARRAY(SELECT generate_series(1, 12)));
\! test/emulator/ctl.py calls
SET appconfig_fdw.max_calls = 14;
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 12)));
\! test/emulator/ctl.py calls
-- and where Gets do not fit in, a list may save them, but not if it is denied
SET appconfig_fdw.max_calls = 50;
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --operation ListExperimentRuns
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM buttons WHERE run = ANY (ARRAY(SELECT generate_series(1, 200))); -- ERROR
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py nofaults
ALTER SERVER appconfig OPTIONS (ADD max_attempts '3');
SELECT count(exposure_percentage) FROM buttons WHERE run = ANY (ARRAY(SELECT generate_series(1, 200)));
ALTER SERVER appconfig OPTIONS (DROP max_attempts);

-- keys that name more than is read are none of that: LIMIT, EXISTS, joins, cursors
SET appconfig_fdw.max_calls = 2;
\! test/emulator/ctl.py clear
SELECT run FROM weeks WHERE run IN (1, 2, 3, 4, 5) AND exposure_percentage > 0 LIMIT 2;
SELECT EXISTS (SELECT FROM weeks WHERE run IN (1, 2, 3, 4, 5) AND exposure_percentage > 0);
SELECT run FROM weeks WHERE run IN (1, 2, 3, 4, 5) AND exposure_percentage > 0 LIMIT 3; -- ERROR
-- what is asked for ahead must not be missed by others: here the name of the application
SELECT run, application_name FROM buttons WHERE run IN (1, 2, 3) AND exposure_percentage > 0 LIMIT 1;
BEGIN;
DECLARE c NO SCROLL CURSOR FOR SELECT run, application_name FROM buttons WHERE run IN (1, 2, 3) AND exposure_percentage > 0;
FETCH c;
-- a cursor counts from DECLARE to CLOSE, by the limit that there was then
SET LOCAL appconfig_fdw.max_calls = 0;
SAVEPOINT before;
FETCH c; -- ERROR
ROLLBACK TO before;
CLOSE c;
-- rows come before the error of those behind them
SET LOCAL appconfig_fdw.max_calls = 3;
DECLARE c NO SCROLL CURSOR FOR SELECT run FROM weeks WHERE run IN (1, 2, 3, 4, 5) AND exposure_percentage > 0;
FETCH 3 FROM c;
FETCH c; -- ERROR
ROLLBACK;
\! test/emulator/ctl.py clear
-- nor by the same scan when it is run again, however often it is
SET appconfig_fdw.max_calls = 24;
SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM weeks WHERE exposure_percentage > 0 AND
    run = ANY (ARRAY[9 * n + 1, 9 * n + 2, 9 * n + 3, 9 * n + 4, 9 * n + 5, 9 * n + 6, 9 * n + 7]))) FROM generate_series(0, 11) AS g(n);
\! eval "$WITHIN 24"
SET appconfig_fdw.max_calls = 2;
\! test/emulator/ctl.py clear
-- a function's query is a statement of its own, and may be run for its first row alone
CREATE FUNCTION public.first_week(which integer[]) RETURNS integer LANGUAGE sql AS
$$SELECT run FROM weeks WHERE run = ANY (which) AND exposure_percentage > 0$$;
SELECT first_week('{1,2,3}'), first_week('{4,5,6}'), first_week('{7,8,9}');
CREATE FUNCTION public.all_weeks(which integer[]) RETURNS SETOF integer LANGUAGE plpgsql AS
$$BEGIN RETURN QUERY SELECT run FROM weeks WHERE run = ANY (which) AND exposure_percentage > 0; END$$;
SELECT all_weeks('{1,2}'), all_weeks('{3,4}');
SELECT all_weeks('{1,2,3}'); -- ERROR
\! eval "$WITHIN 10"

-- the smaller one counts
RESET appconfig_fdw.max_calls;
ALTER SERVER appconfig OPTIONS (ADD max_calls '3');
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3);
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4); -- ERROR
SET appconfig_fdw.max_calls = 4;
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4); -- ERROR
SET appconfig_fdw.max_calls = 2;
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3); -- ERROR
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2);
RESET appconfig_fdw.max_calls;

-- of one server, whoever reads it: two scans, and two roles
SELECT count(*) FROM weeks a, buttons b WHERE a.run IN (1, 2) AND b.run IN (1, 2) AND a.exposure_percentage + b.exposure_percentage > 0; -- ERROR
CREATE ROLE regress_appconfig_reader;
CREATE USER MAPPING FOR regress_appconfig_reader SERVER appconfig
    OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
GRANT USAGE ON SCHEMA appconfig TO regress_appconfig_reader;
GRANT SELECT ON experiment_runs TO regress_appconfig_reader;
CREATE VIEW public.weeks_of_reader AS
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
ALTER VIEW public.weeks_of_reader OWNER TO regress_appconfig_reader;
\! test/emulator/ctl.py clear
SELECT count(*) FROM weeks a, weeks_of_reader b WHERE a.run = 1 AND b.run = 1 AND a.exposure_percentage + b.exposure_percentage > 0;
\! test/emulator/ctl.py calls
SELECT count(*) FROM weeks a, weeks_of_reader b WHERE a.run IN (1, 2) AND b.run IN (1, 2) AND a.exposure_percentage + b.exposure_percentage > 0; -- ERROR
\! eval "$WITHIN 5"
-- but not of another
CREATE SERVER other FOREIGN DATA WRAPPER appconfig_fdw
    OPTIONS (region 'us-east-1', endpoint :'endpoint', max_get_rate '0', max_list_rate '0', cache_size '0', max_calls '3');
CREATE USER MAPPING FOR CURRENT_USER SERVER other
    OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
CREATE FOREIGN TABLE public.other_runs (application_id text, experiment_definition_id text, run integer, exposure_percentage double precision)
    SERVER other OPTIONS (object 'experiment_runs');
SELECT count(exposure_percentage) FROM
    (SELECT exposure_percentage FROM weeks WHERE run IN (1, 2, 3)
     UNION ALL
     SELECT exposure_percentage FROM other_runs
     WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run IN (1, 2, 3)) AS both_servers;

-- every attempt counts: each is a request
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault throttle --times 1
\! test/emulator/ctl.py fault error500 --times 1
SELECT run FROM weeks WHERE run = 1 AND exposure_percentage > 0;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
SET appconfig_fdw.max_calls = 2;
\! test/emulator/ctl.py fault error500 --times 2
SELECT run FROM weeks WHERE run = 1 AND exposure_percentage > 0; -- ERROR
\! test/emulator/ctl.py calls
SELECT run FROM weeks WHERE run = 1 AND exposure_percentage > 0;

-- what the session has costs nothing
ALTER SERVER appconfig OPTIONS (SET cache_size '16MB', ADD cache_ttl '1h');
RESET appconfig_fdw.max_calls;
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3);
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6);
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10); -- ERROR
ALTER SERVER appconfig OPTIONS (DROP cache_ttl);

-- what EXPLAIN shows of it: calls that are expected, how long the rates make them take at least, and the limit
ALTER SERVER appconfig OPTIONS (SET max_get_rate '100', SET max_list_rate '10');
EXPLAIN (COSTS OFF) SELECT count(exposure_percentage) FROM experiment_runs;
SET appconfig_fdw.max_calls = 2;
EXPLAIN (COSTS OFF) SELECT exposure_percentage FROM weeks;
RESET appconfig_fdw.max_calls;
ALTER SERVER appconfig OPTIONS (DROP max_calls, SET max_list_rate '0.5');
EXPLAIN (COSTS OFF) SELECT * FROM run_events WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run IN (1, 2, 3);
DROP USER MAPPING FOR CURRENT_USER SERVER appconfig;
EXPLAIN (COSTS OFF) SELECT count(*) FROM experiment_definitions;

DROP FUNCTION public.first_week, public.all_weeks;
DROP FOREIGN TABLE public.other_runs;
DROP TABLE public.kept;
DROP VIEW public.weeks, public.buttons, public.weeks_of_reader;
REVOKE ALL ON SCHEMA appconfig FROM regress_appconfig_reader;
REVOKE ALL ON experiment_runs FROM regress_appconfig_reader;
DROP USER MAPPING FOR regress_appconfig_reader SERVER appconfig;
DROP ROLE regress_appconfig_reader;
\i sql/teardown.psql
