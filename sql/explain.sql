--
-- EXPLAIN in all formats, and appconfig_fdw_stats()
--
\i sql/setup.psql
SET client_min_messages = warning;

-- what is ours in a plan; the rest differs from version to version
CREATE FUNCTION public.plan_of(options text, query text) RETURNS jsonb LANGUAGE plpgsql AS
$$DECLARE plan jsonb; BEGIN EXECUTE format('EXPLAIN (FORMAT JSON, COSTS OFF%s) %s', options, query) INTO plan; RETURN plan -> 0 -> 'Plan'; END$$;
CREATE FUNCTION public.xml_of(query text) RETURNS xml LANGUAGE plpgsql AS
$$DECLARE plan xml; BEGIN EXECUTE 'EXPLAIN (FORMAT XML, COSTS OFF) ' || query INTO plan; RETURN plan; END$$;
CREATE FUNCTION public.yaml_of(query text) RETURNS text LANGUAGE plpgsql AS
$$DECLARE plan text; BEGIN EXECUTE 'EXPLAIN (FORMAT YAML, COSTS OFF) ' || query INTO plan; RETURN plan; END$$;
CREATE FUNCTION public.ours(plan jsonb) RETURNS TABLE (property text, value jsonb) LANGUAGE sql AS
$$SELECT key, CASE key WHEN 'Waited for Rate Limits' THEN to_jsonb(value > '0') ELSE value END
FROM jsonb_each(plan) WHERE key IN ('Operations', 'Keys', 'Expected Get Calls', 'Expected List Calls', 'Least Time', 'Checked Before Fetch',
                                    'Checked Locally', 'Calls', 'Retries', 'Throttles', 'Cache Hits', 'Received',
                                    'Waited for Rate Limits') ORDER BY 1$$;

\set query 'SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = ''shop4x1'' AND run > 1 AND status = ''RUNNING'' AND started_at > ''2026-08-01'' AND exposure_percentage < 100'
EXPLAIN (COSTS OFF) :query;
SELECT * FROM ours(plan_of('', :'query'));
SELECT line FROM regexp_split_to_table(yaml_of(:'query'), '\n') WITH ORDINALITY AS l(line, n)
WHERE line ~ 'Operations|Keys|Expected|Least|Checked|- "' ORDER BY n;
SELECT unnest(xpath('//*[local-name() = "Operations" or local-name() = "Keys" or starts-with(local-name(), "Expected") or local-name() = "Least-Time" or starts-with(local-name(), "Checked")]', xml_of(:'query')));
-- with what it has cost
\! test/emulator/ctl.py clear
SELECT * FROM ours(plan_of(', ANALYZE, TIMING OFF, SUMMARY OFF', :'query'));
\! test/emulator/ctl.py calls

-- EXPLAIN alone asks nobody, and needs neither a server that answers nor credentials
\! test/emulator/ctl.py clear
CREATE SERVER nowhere FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.1:1');
CREATE FOREIGN TABLE public.nothing (application_id text, run integer) SERVER nowhere OPTIONS (object 'treatments');
EXPLAIN (COSTS OFF) SELECT * FROM public.nothing WHERE application_id = 'a';
PREPARE by_run(integer) AS SELECT run FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = $1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE by_run(1);
\! test/emulator/ctl.py calls
-- a plan that is older than the setting: what is shown is what is done
EXECUTE by_run(1);
SET appconfig_fdw.enable_pushdown = off;
\! test/emulator/ctl.py clear
SELECT * FROM ours(plan_of(', ANALYZE, TIMING OFF, SUMMARY OFF', 'EXECUTE by_run(1)')) WHERE property <> 'Received';
\! test/emulator/ctl.py calls
RESET appconfig_fdw.enable_pushdown;
SELECT * FROM ours(plan_of('', 'EXECUTE by_run(1)'));

-- every kind of key
EXPLAIN (COSTS OFF) SELECT 1 FROM experiment_runs WHERE (application_id, experiment_definition_id) IN (('a', 'b'), ('c', 'd')) AND run = ANY ('{1,2}');
EXPLAIN (COSTS OFF) SELECT 1 FROM experiment_runs WHERE run BETWEEN 2 AND 4 OR application_name = 'x';
EXPLAIN (COSTS OFF) SELECT 1 FROM experiment_runs WHERE application_id IS NULL;
EXPLAIN (COSTS OFF) SELECT 1 FROM environments WHERE application_name = 'storefront' AND environment_name = 'production';
EXPLAIN (COSTS OFF) SELECT 1 FROM experiment_definitions WHERE environment_id = 'prod7e2' AND configuration_profile_id = 'x' AND status = 'IDLE';
-- joined tables that read what can change of a run: the one that lists would do for reads documents, too
EXPLAIN (COSTS OFF) SELECT r.status FROM experiment_runs r JOIN treatment_overrides o USING (application_id, experiment_definition_id, run)
WHERE r.application_id = 'shop4x1';
EXPLAIN (COSTS OFF) SELECT r.started_at FROM experiment_runs r JOIN treatment_overrides o USING (application_id, experiment_definition_id, run)
WHERE r.application_id = 'shop4x1';

--
-- Combinations of keys cost what as many calls cost, and never so much that PostgreSQL compiles thousands of arms
--
CREATE FUNCTION public.cost_of(clause text) RETURNS numeric LANGUAGE plpgsql AS
$$DECLARE plan jsonb; BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT run, exposure_percentage FROM experiment_runs WHERE ' || clause INTO plan;
    RETURN plan -> 0 -> 'Plan' -> 'Total Cost';
END$$;
CREATE FUNCTION public.arms(format text, n integer) RETURNS text LANGUAGE sql AS
$$SELECT string_agg(format(format, i % 2 + 1, i % 3 + 1, i), ' OR ') FROM generate_series(1, n) i$$;
\set by_names '(application_name = ''a%1$s'' AND experiment_definition_name = ''d%2$s'' AND run = %3$s)'
\set by_ids '(application_id = ''aaaaaa%1$s'' AND experiment_definition_id = ''dddddd%2$s'' AND run = %3$s)'
SELECT n, cost_of(arms(:'by_names', n)) < current_setting('jit_above_cost')::numeric AS names_below,
       cost_of(arms(:'by_ids', n)) < current_setting('jit_above_cost')::numeric AS ids_below
FROM unnest('{1,15,60,2000,9000}'::int[]) n;
SELECT n, abs(cost_of(arms(:'by_names', n))
              / cost_of(format('application_name = ''a1'' AND experiment_definition_name = ''d1'' AND run <= %1$s AND run = ANY (''%2$s'')',
                               n, array(SELECT generate_series(1, n)))) - 1) < 0.01 AS as_calls,
       cost_of(arms(:'by_names', n)) > cost_of(arms(:'by_names', n - 1)) AS more_is_more
FROM unnest('{2,6,9}'::int[]) n;
-- lists tell how many of many there are
SELECT cost_of(arms(:'by_names', 60)) > cost_of(arms(:'by_names', 9)) AS more, cost_of(arms(:'by_names', 9000)) = cost_of(arms(:'by_names', 2000)) AS enough;
-- values that are not known yet count as well, contradictions don't; a subquery by itself costs next to nothing
SELECT abs(cost_of('application_id = ''shop4x1'' AND experiment_definition_id = ''addcrt1'' AND run = (SELECT 1)')
           - cost_of('application_id = ''shop4x1'' AND experiment_definition_id = ''addcrt1'' AND run = 1')) < 1 AS parameter,
       abs(cost_of('application_id = ''shop4x1'' AND experiment_definition_id = ''addcrt1'' AND run = ANY (ARRAY[(SELECT 1), (SELECT 2), 3])')
           - cost_of('application_id = ''shop4x1'' AND experiment_definition_id = ''addcrt1'' AND run = ANY (''{1,2,3}'')')) < 1 AS parameters,
       cost_of('application_id = ''shop4x1'' AND run = 0') < 1 AS contradiction;

--
-- Statistics of the session: those of the emulator
--
\! test/emulator/ctl.py clear
CREATE TEMP TABLE before AS SELECT * FROM appconfig_fdw_stats();
SELECT count(*), count(exposure_percentage) FROM experiment_runs WHERE application_id = 'app120x';
SELECT count(*) FROM experiment_runs r JOIN treatments t USING (application_id, experiment_definition_id, run) WHERE application_id = 'shop4x1';
SELECT s.server, s.operation, s.calls - coalesce(b.calls, 0) AS calls, s.retries - coalesce(b.retries, 0) AS retries,
       s.throttles - coalesce(b.throttles, 0) AS throttles, s.bytes > coalesce(b.bytes, 0) AS bytes
FROM appconfig_fdw_stats() s LEFT JOIN before b USING (server, operation) WHERE s.calls > coalesce(b.calls, 0) ORDER BY 2;
\! test/emulator/ctl.py calls
-- a call that was tried again, and one that was throttled
\! test/emulator/ctl.py fault status --status 429 --code ThrottlingException --header 'x-amz-retry-after: 20' --times 1 --operation ListApplications
\! test/emulator/ctl.py fault error500 --times 1 --operation ListEnvironments
SELECT count(*) FROM applications;
SELECT count(*) FROM environments WHERE application_id = 'shop4x1';
SELECT operation, calls, retries, throttles, errors FROM appconfig_fdw_stats() WHERE operation IN ('ListApplications', 'ListEnvironments') ORDER BY 1;
-- one that has failed for good, whatever the number of attempts; that there is no such thing is an answer
\! test/emulator/ctl.py fault error500 --times 3 --operation ListApplications
SELECT count(*) FROM applications;
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 99;
SELECT operation, errors FROM appconfig_fdw_stats() WHERE errors > 0;

-- of all sessions only where they share memory
DO $$
DECLARE
    hint text;
BEGIN
    PERFORM appconfig_fdw_stats(all_sessions => true);
    ASSERT current_setting('server_version_num')::int >= 170000, 'there is no error';
EXCEPTION WHEN feature_not_supported THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    ASSERT current_setting('server_version_num')::int < 170000, SQLERRM;
    ASSERT hint = 'Call appconfig_fdw_stats() for those of this session.', hint;
END
$$;

--
-- Time in which rate limits have held calls back: of a scan, and of the operation that was held back
--
CREATE TEMP TABLE waits AS SELECT sum(rate_wait_time) AS so_far FROM appconfig_fdw_stats();
SELECT so_far > 0 AS by_the_service FROM waits;
SELECT count(exposure_percentage) FROM experiment_runs WHERE application_id = 'shop4x1';
SELECT sum(rate_wait_time) = (SELECT so_far FROM waits) AS none FROM appconfig_fdw_stats();
ALTER SERVER appconfig OPTIONS (SET max_get_rate '4');
SELECT * FROM ours(plan_of(', ANALYZE', 'SELECT exposure_percentage FROM experiment_runs WHERE application_id = ''shop4x1'''))
WHERE property IN ('Waited for Rate Limits', 'Throttles');
SELECT s.operation, s.rate_wait_time > coalesce(b.rate_wait_time, 0) AS waited
FROM appconfig_fdw_stats() s LEFT JOIN before b USING (server, operation)
WHERE s.operation IN ('GetExperimentRun', 'ListExperimentRuns') ORDER BY 1;
-- calls that are held back together wait once, and no longer than the query takes
SELECT clock_timestamp() AS began, rate_wait_time FROM appconfig_fdw_stats() WHERE operation = 'GetExperimentRun' \gset
SELECT count(exposure_percentage) FROM experiment_runs WHERE application_id = 'shop4x1';
SELECT rate_wait_time - :rate_wait_time <= 1000 * extract(epoch FROM clock_timestamp() - :'began') AS once
FROM appconfig_fdw_stats() WHERE operation = 'GetExperimentRun';
-- also where the query does not come to its end
CREATE TEMP TABLE cut_off AS SELECT sum(rate_wait_time) AS so_far FROM appconfig_fdw_stats();
ALTER SERVER appconfig OPTIONS (SET max_get_rate '0.01');
SET statement_timeout = '200ms';
SELECT count(exposure_percentage) FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2, 3);
RESET statement_timeout;
SELECT sum(rate_wait_time) > (SELECT so_far FROM cut_off) AS counted FROM appconfig_fdw_stats();
ALTER SERVER appconfig OPTIONS (SET max_get_rate '0');

DROP FUNCTION public.plan_of, public.xml_of, public.yaml_of, public.ours, public.cost_of, public.arms;
DROP FOREIGN TABLE public.nothing;
DROP TABLE before, waits, cut_off;
\i sql/teardown.psql
