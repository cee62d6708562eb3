--
-- Names and ids: a name may be the text of somebody's id, or no fit part of a path
--
-- emulator: --data nasty
--
-- The service takes a name wherever it takes an id, and here the id wins.  The
-- answers must be those of a local copy all the same.
--
\i sql/setup.psql
\set dump `"${PYTHON:-python3}" test/emulator/emulator.py --data nasty --dump`
ALTER SERVER appconfig OPTIONS (DROP cache_size);
RESET search_path;

-- the local copy, of what the emulator holds
CREATE SCHEMA local;
CREATE TABLE local.dump AS SELECT kind, d FROM jsonb_each(:'dump'::jsonb) AS k(kind, list), jsonb_array_elements(list) AS d;
CREATE TABLE local.applications AS
SELECT d ->> 'Id' AS application_id, d ->> 'Name' AS application_name FROM local.dump WHERE kind = 'applications';
CREATE TABLE local.experiment_definitions AS
SELECT application_id, application_name, d ->> 'Id' AS experiment_definition_id, d ->> 'Name' AS experiment_definition_name,
       d ->> 'EnvironmentId' AS environment_id, d ->> 'ConfigurationProfileId' AS configuration_profile_id, d ->> 'Status' AS status
FROM local.dump JOIN local.applications ON d ->> 'ApplicationId' = application_id WHERE kind = 'experiment_definitions';
CREATE TABLE local.experiment_runs AS
SELECT application_id, application_name, experiment_definition_id, experiment_definition_name, (d ->> 'Run')::integer AS run,
       (d ->> 'ExposurePercentage')::double precision AS exposure_percentage, d ->> 'Status' AS status
FROM local.dump JOIN local.experiment_definitions ON d ->> 'ApplicationId' = application_id AND d ->> 'ExperimentDefinitionId' = experiment_definition_id
WHERE kind = 'experiment_runs';
CREATE TABLE local.run_events AS
SELECT application_id, application_name, experiment_definition_id, experiment_definition_name, run, e ->> 'EventType' AS event_type
FROM local.dump JOIN local.experiment_runs ON d ->> 'ApplicationId' = application_id AND d ->> 'ExperimentDefinitionId' = experiment_definition_id AND (d ->> 'Run')::integer = run,
     jsonb_array_elements(d -> 'Items') AS e
WHERE kind = 'experiment_run_events';
CREATE TABLE local.environments AS
SELECT application_id, application_name, d ->> 'Id' AS environment_id, d ->> 'Name' AS environment_name
FROM local.dump JOIN local.applications ON d ->> 'ApplicationId' = application_id WHERE kind = 'environments';
CREATE TABLE local.configuration_profiles AS
SELECT application_id, application_name, d ->> 'Id' AS configuration_profile_id, d ->> 'Name' AS configuration_profile_name
FROM local.dump JOIN local.applications ON d ->> 'ApplicationId' = application_id WHERE kind = 'configuration_profiles';
ANALYZE local.applications;

-- a select list and a predicate, over both
CREATE FUNCTION public.rows_of(schema text, query text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    result text[];
BEGIN
    PERFORM set_config('search_path', schema || ', public', true);
    EXECUTE format('SELECT coalesce(array_agg(x::text ORDER BY x::text COLLATE "C"), ''{}'') FROM (%s) AS x', query) INTO result;
    RETURN result;
END
$$;
CREATE FUNCTION public.differences(query text) RETURNS TABLE (differing text, "row" text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
        WITH a AS MATERIALIZED (SELECT unnest(rows_of('appconfig', query)) AS r), l AS MATERIALIZED (SELECT unnest(rows_of('local', query)) AS r)
        (SELECT query || ' has' , r FROM (TABLE a EXCEPT ALL TABLE l) AS x) UNION ALL (SELECT query || ' lacks', r FROM (TABLE l EXCEPT ALL TABLE a) AS x);
EXCEPTION WHEN OTHERS THEN
    RETURN QUERY SELECT query, SQLSTATE || ' ' || SQLERRM;
END
$$;

-- every pair of texts that is an id or a name around the two applications that are named like each other
CREATE TABLE public.applications_by AS
SELECT c || ' = ' || quote_literal(v) AS predicate
FROM (VALUES ('application_id'), ('application_name')) AS c(c), (VALUES ('nasty01'), ('nasty02'), ('nasty one')) AS v(v);
CREATE TABLE public.definitions_by AS
SELECT c || ' = ' || quote_literal(v) AS predicate
FROM (VALUES ('experiment_definition_id'), ('experiment_definition_name')) AS c(c),
     (VALUES ('nastyd1'), ('nastyd2'), ('nastyd3'), ('nastyd4'), ('plain')) AS v(v);
SELECT d.* FROM applications_by AS a, LATERAL differences('SELECT application_id, application_name FROM applications WHERE ' || a.predicate) AS d;
SELECT d.* FROM applications_by AS a, definitions_by AS b,
    LATERAL differences('SELECT application_id, experiment_definition_id, run FROM experiment_runs WHERE ' || a.predicate || ' AND ' || b.predicate) AS d;
SELECT d.* FROM applications_by AS a, definitions_by AS b,
    LATERAL differences('SELECT application_id, experiment_definition_id, run, exposure_percentage FROM experiment_runs WHERE run = 1 AND ' || a.predicate || ' AND ' || b.predicate) AS d;
SELECT d.* FROM applications_by AS a, definitions_by AS b,
    LATERAL differences('SELECT application_name, experiment_definition_name, run, event_type FROM run_events WHERE run = 1 AND ' || a.predicate || ' AND ' || b.predicate) AS d;
SELECT d.* FROM applications_by AS a, definitions_by AS b,
    LATERAL differences('SELECT application_id, experiment_definition_name, status FROM experiment_definitions WHERE ' || a.predicate || ' AND ' || b.predicate) AS d;
SELECT d.* FROM definitions_by AS b, LATERAL differences('SELECT application_name, experiment_definition_id, run, status FROM experiment_runs WHERE ' || b.predicate) AS d;
SELECT d.* FROM applications_by AS a, LATERAL differences('SELECT count(*) FROM experiment_runs WHERE ' || a.predicate) AS d;
-- and around environments and profiles
SELECT d.*
FROM (VALUES ('environment_id'), ('environment_name')) AS c(c), (VALUES ('nastye1'), ('nastye2'), ('live'), ('production')) AS v(v), applications_by AS a,
    LATERAL differences(format('SELECT application_id, environment_id, environment_name FROM environments WHERE %I = %L AND ', c, v) || a.predicate) AS d;
SELECT d.*
FROM (VALUES ('configuration_profile_id'), ('configuration_profile_name')) AS c(c), (VALUES ('nastyp1'), ('nastyp2'), ('flags')) AS v(v), applications_by AS a,
    LATERAL differences(format('SELECT application_id, configuration_profile_id FROM configuration_profiles WHERE %I = %L AND ', c, v) || a.predicate) AS d;
SELECT d.* FROM (VALUES ('nastye1'), ('nastye2'), ('live'), ('nothere')) AS v(v), LATERAL (VALUES (''), (' AND application_id = ''nasty01'''), (' AND application_id = ''nasty02''')) AS a(a),
    LATERAL differences(format('SELECT application_id, experiment_definition_id FROM experiment_definitions WHERE environment_id = %L', v) || a) AS d;
SELECT d.* FROM (VALUES ('nastyp1'), ('nastyp2'), ('nothere')) AS v(v),
    LATERAL differences(format('SELECT application_id, experiment_definition_id FROM experiment_definitions WHERE configuration_profile_id = %L', v)) AS d;

-- names that are hard to put into a path, a query or a format: all of them
SELECT count(*), count(DISTINCT application_name) FROM local.applications WHERE application_id LIKE 'wn%';
SELECT d.* FROM local.applications AS a,
    LATERAL differences(format('SELECT application_id FROM applications WHERE application_name = %L', application_name)) AS d WHERE application_id LIKE 'wn%';
SELECT d.* FROM local.applications AS a,
    LATERAL differences(format('SELECT application_id, experiment_definition_id, run, exposure_percentage FROM experiment_runs WHERE application_name = %1$L AND experiment_definition_name = %1$L', application_name)) AS d
WHERE application_id LIKE 'wn%';
SELECT d.* FROM local.applications AS a,
    LATERAL differences(format('SELECT application_id, application_name, experiment_definition_name, run FROM experiment_runs WHERE application_id = %L AND experiment_definition_name = %L AND run = 1', application_id, application_name)) AS d
WHERE application_id LIKE 'wn%';
-- none of them is an id
SELECT d.* FROM local.applications AS a,
    LATERAL differences(format('SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = %1$L AND experiment_definition_id = %1$L AND run = 1', application_name)) AS d
WHERE application_id LIKE 'wn%';
SELECT d.* FROM local.applications AS a,
    LATERAL differences(format('SELECT run FROM experiment_runs WHERE application_id = %L AND experiment_definition_id = %L', application_name, 'wd' || substr(application_id, 3))) AS d
WHERE application_id LIKE 'wn%';
-- more applications and definitions than a page has
SELECT d.* FROM differences('SELECT count(*), count(DISTINCT application_id) FROM experiment_definitions') AS d;
SELECT d.* FROM differences('SELECT application_id, application_name FROM applications') AS d;
SELECT d.* FROM differences('SELECT experiment_definition_name, count(*) FROM experiment_runs WHERE application_id = ''many120'' GROUP BY 1') AS d;
SELECT d.* FROM differences('SELECT experiment_definition_id, run FROM experiment_runs WHERE application_name = ''many definitions'' AND experiment_definition_name IN (''definition 7'', ''definition 8'', ''definition 9'')') AS d;
SELECT d.* FROM differences('SELECT run FROM experiment_runs WHERE application_id = ''empty00''') AS d;

-- an environment that is gone, whose id is the name of another one: a filter by it finds that one's definitions, or none
\! test/emulator/ctl.py mutate delete_environment application=nasty01 environment=nastye1
\! test/emulator/ctl.py clear
SELECT experiment_definition_id, environment_id FROM appconfig.experiment_definitions WHERE application_id = 'nasty01' AND environment_id = 'nastye1';
\! test/emulator/ctl.py calls
SELECT d.* FROM (VALUES ('nastye1'), ('nastye2'), ('live'), ('esty019')) AS v(v), LATERAL (VALUES (''), (' AND application_id = ''nasty01'''), (' AND status = ''IDLE'''), (' AND status = ''ACTIVE''')) AS a(a),
    LATERAL differences(format('SELECT application_id, experiment_definition_id FROM experiment_definitions WHERE environment_id = %L', v) || a) AS d;

SET client_min_messages = warning;
DROP FUNCTION differences, rows_of;
DROP TABLE applications_by, definitions_by;
DROP SCHEMA local CASCADE;
\i sql/teardown.psql
