--
-- The other tables, and tables made by hand
--
\i sql/setup.psql
\set dump `"${PYTHON:-python3}" test/emulator/emulator.py --data standard --dump`

CREATE TABLE public.dump AS
SELECT kind, d FROM jsonb_each(:'dump'::jsonb) AS k(kind, list), jsonb_array_elements(list) AS d;
-- rows that one side has and the other has not
CREATE FUNCTION public.differences(one text, other text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('WITH a AS MATERIALIZED (SELECT x::text FROM (%s) AS x), b AS MATERIALIZED (SELECT x::text FROM (%s) AS x)
                                 (SELECT ''< '' || x FROM a EXCEPT ALL SELECT ''< '' || x FROM b)
                                 UNION ALL (SELECT ''> '' || x FROM b EXCEPT ALL SELECT ''> '' || x FROM a)', one, other);
END
$$;

--
-- Applications
--
\! test/emulator/ctl.py clear
SELECT * FROM applications ORDER BY application_id COLLATE "C";
\! test/emulator/ctl.py calls
SELECT differences('TABLE applications',
    $$SELECT d ->> 'Id', d ->> 'Name', d ->> 'Description', 'us-east-1' FROM dump WHERE kind = 'applications'$$);
\! test/emulator/ctl.py clear
SELECT application_name FROM applications WHERE application_id = 'shop4x1';
SELECT application_name FROM applications WHERE application_id IN ('nosuch1', '', '.', 'storefront');
SELECT application_id FROM applications WHERE application_name = 'test-application';
SELECT count(*) FROM applications WHERE application_id IS NULL;

--
-- Definitions
--
\x on
SELECT * FROM experiment_definitions WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
\x off
SELECT differences('TABLE experiment_definitions', $$
    SELECT d ->> 'ApplicationId', (SELECT a.d ->> 'Name' FROM dump AS a WHERE kind = 'applications' AND a.d ->> 'Id' = dump.d ->> 'ApplicationId'),
           d ->> 'Id', d ->> 'Name', d ->> 'Hypothesis', d ->> 'Status', d ->> 'ConfigurationProfileId', d ->> 'EnvironmentId', d ->> 'FlagKey',
           d ->> 'AudienceRule', d ->> 'AudienceDescription', d ->> 'LaunchCriteria', (d ->> 'CreatedAt')::timestamptz, (d ->> 'UpdatedAt')::timestamptz,
           d ->> 'KmsKeyIdentifier', d -> 'Treatments', d -> 'Control', 'us-east-1'
    FROM dump WHERE kind = 'experiment_definitions'$$);
-- what the list says, and what only the document does
\! test/emulator/ctl.py clear
SELECT experiment_definition_id, experiment_definition_name, status, environment_id, hypothesis IS NULL AS no_hypothesis, created_at, updated_at
FROM experiment_definitions WHERE application_id = 'shop4x1' ORDER BY 1;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT experiment_definition_id, audience_rule FROM experiment_definitions WHERE status = 'ACTIVE' ORDER BY 1;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT experiment_definition_id FROM experiment_definitions WHERE environment_id = 'prod7e2' AND application_id = 'shop4x1' ORDER BY 1;
SELECT experiment_definition_id FROM experiment_definitions WHERE configuration_profile_id = 'flagp82' AND application_id = 'search8';
SELECT experiment_definition_id FROM experiment_definitions WHERE status = 'ARCHIVED' AND application_id = 'app120x';
\! test/emulator/ctl.py calls
-- a definition outlives its environment and profile
SELECT experiment_definition_id FROM experiment_definitions WHERE environment_id = 'gone0ev';
SELECT experiment_definition_id FROM experiment_definitions WHERE configuration_profile_id = 'gone0pf' AND application_id = 'app120x';
SELECT experiment_definition_id FROM experiment_definitions WHERE environment_id = 'gone0ev' AND configuration_profile_id IN ('gone0pf', 'prf120x') AND status = 'ARCHIVED';
-- a name is no id, and a status that the service does not know is none
SELECT count(*) FROM experiment_definitions WHERE environment_id = 'production';
SELECT count(*) FROM experiment_definitions WHERE configuration_profile_id = 'storefront-flags' AND application_id = 'shop4x1';
SELECT count(*) FROM experiment_definitions WHERE status = 'active';
SELECT count(*) FROM experiment_definitions WHERE status = 'RUNNING';

--
-- Events
--
\! test/emulator/ctl.py clear
SELECT run, occurred_at, event_type, triggered_by, exposure_percentage, treatment_overrides, description, associated_deployment
FROM run_events WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 3) ORDER BY run, occurred_at;
\! test/emulator/ctl.py calls
SELECT differences('SELECT application_id, experiment_definition_id, run, occurred_at, event_type, triggered_by, description, associated_deployment, exposure_percentage, treatment_overrides FROM run_events', $$
    SELECT d ->> 'ApplicationId', d ->> 'ExperimentDefinitionId', (d ->> 'Run')::integer, (e ->> 'OccurredAt')::timestamptz, e ->> 'EventType', e ->> 'TriggeredBy',
           e ->> 'Description', e ->> 'AssociatedDeployment', (e ->> 'ExposurePercentage')::double precision, e -> 'TreatmentOverrides' -> 'Inline'
    FROM dump, jsonb_array_elements(d -> 'Items') AS e WHERE kind = 'experiment_run_events'$$);
-- more than a page of them, none, and kinds that nobody knows
\! test/emulator/ctl.py clear
SELECT run, count(*), min(exposure_percentage) FROM run_events WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run IN (4, 6, 7) GROUP BY run ORDER BY run;
\! test/emulator/ctl.py calls
SELECT occurred_at, event_type, triggered_by, associated_deployment, application_name, experiment_definition_name, region FROM run_events
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run = 5 ORDER BY occurred_at DESC LIMIT 1;
SELECT count(*) FROM run_events WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 99;
\! test/emulator/ctl.py clear
SELECT run, count(*) FROM run_events WHERE application_id = 'shop4x1' GROUP BY experiment_definition_id, run ORDER BY 2 DESC, 1 LIMIT 2;
\! test/emulator/ctl.py calls

--
-- Environments and profiles
--
SELECT environment_id, environment_name, description, state, monitors, application_name, region FROM environments WHERE application_id = 'shop4x1' ORDER BY 1;
SELECT differences('TABLE environments', $$
    SELECT d ->> 'ApplicationId', (SELECT a.d ->> 'Name' FROM dump AS a WHERE kind = 'applications' AND a.d ->> 'Id' = dump.d ->> 'ApplicationId'),
           d ->> 'Id', d ->> 'Name', d ->> 'Description', d ->> 'State', d -> 'Monitors', 'us-east-1' FROM dump WHERE kind = 'environments'$$);
SELECT configuration_profile_id, configuration_profile_name, location_uri, type, validator_types, region FROM configuration_profiles
WHERE application_id IN ('shop4x1', '339ohji', 'quirks1') ORDER BY 1;
SELECT differences('TABLE configuration_profiles', $$
    SELECT d ->> 'ApplicationId', (SELECT a.d ->> 'Name' FROM dump AS a WHERE kind = 'applications' AND a.d ->> 'Id' = dump.d ->> 'ApplicationId'),
           d ->> 'Id', d ->> 'Name', d ->> 'LocationUri', d ->> 'Type',
           CASE WHEN d ? 'Validators' THEN ARRAY(SELECT v ->> 'Type' FROM jsonb_array_elements(d -> 'Validators') AS v) END, 'us-east-1'
    FROM dump WHERE kind = 'configuration_profiles'$$);
\! test/emulator/ctl.py clear
SELECT environment_name FROM environments WHERE application_id = 'shop4x1' AND environment_id = 'prod7e2';
SELECT environment_id FROM environments WHERE application_name = 'storefront' AND environment_name = 'staging';
SELECT validator_types FROM configuration_profiles WHERE application_id = 'shop4x1' AND configuration_profile_id = 'themep2';
SELECT count(*) FROM environments WHERE application_id = 'nosuch1';
SELECT count(*) FROM environments WHERE application_id = 'shop4x1' AND environment_id = 'production';
SELECT count(*) FROM configuration_profiles WHERE application_id = 'storefront';
SELECT count(*) FROM configuration_profiles WHERE application_id = repeat('x', 65);
SELECT count(*) FROM environments WHERE application_id = repeat('x', 65) AND environment_id = 'prod7e2';
SELECT count(*) FROM environments WHERE application_id = '..' OR environment_id = '.';

-- the region is the same everywhere
SELECT DISTINCT region FROM (
    SELECT region FROM applications UNION ALL SELECT region FROM experiment_definitions UNION ALL SELECT region FROM experiment_runs
    UNION ALL SELECT region FROM treatments UNION ALL SELECT region FROM attribute_values UNION ALL SELECT region FROM treatment_overrides
    UNION ALL SELECT region FROM run_events UNION ALL SELECT region FROM definition_treatments
    UNION ALL SELECT region FROM definition_attribute_values UNION ALL SELECT region FROM environments UNION ALL SELECT region FROM configuration_profiles) AS x;

--
-- Tables made by hand
--
CREATE DOMAIN public.identifier AS varchar(64) CHECK (VALUE <> 'mobile6');
CREATE DOMAIN public.run_number AS integer NOT NULL CHECK (VALUE < 120);
CREATE FOREIGN TABLE public.by_hand (
    how_many double precision OPTIONS (column_name 'exposure_percentage'),
    dropped text,
    "The Run" bigint OPTIONS (column_name 'run'),
    definition name OPTIONS (column_name 'experiment_definition_id'),
    application_id identifier,
    again integer OPTIONS (column_name 'run'),
    status varchar(4)
) SERVER appconfig OPTIONS (object 'experiment_runs');
ALTER FOREIGN TABLE by_hand DROP COLUMN dropped;
ALTER FOREIGN TABLE by_hand ADD COLUMN started timestamptz(0) OPTIONS (column_name 'started_at');
\! test/emulator/ctl.py clear
SELECT * FROM by_hand WHERE application_id = 'shop4x1' AND definition = 'addcrt1' AND "The Run" = 2;
SELECT "The Run", again FROM by_hand WHERE application_id = 'shop4x1' AND definition = 'addcrt1' AND again IN (1, 2) AND "The Run" > 1 AND how_many >= 0;
SELECT count(*) FROM by_hand WHERE application_id = 'shop4x1' AND "The Run" = 1 AND again = 2;
\! test/emulator/ctl.py calls --paths --sort
-- a value that does not fit the declared type is an error, as when it is inserted
SELECT status FROM by_hand WHERE application_id = 'shop4x1' AND definition = 'addcrt1' AND again = 3; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT application_id FROM by_hand WHERE definition = 'onbrd44'; -- ERROR
\echo :LAST_ERROR_SQLSTATE
CREATE FOREIGN TABLE public.numbered (application_id text, experiment_definition_id text, run run_number) SERVER appconfig OPTIONS (object 'experiment_runs');
SELECT run FROM numbered WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run = 119;
SELECT max(run) FROM numbered WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x'; -- ERROR
\echo :LAST_ERROR_SQLSTATE
-- no column at all, or none of the keys
CREATE FOREIGN TABLE public.nothing () SERVER appconfig OPTIONS (object 'experiment_runs');
SELECT count(*) FROM nothing;
CREATE FOREIGN TABLE public.statuses (status text COLLATE "C") SERVER appconfig OPTIONS (object 'experiment_runs');
SELECT status, count(*) FROM statuses GROUP BY status ORDER BY status;
-- defaults and NOT NULL are declarations only; the planner believes the latter, and from 19 on takes count(column) for count(*)
CREATE FOREIGN TABLE public.declared (application_id text NOT NULL, description text NOT NULL DEFAULT 'none', CHECK (application_id <> '')) SERVER appconfig OPTIONS (object 'applications');
SELECT count(*), count(description || '') FROM declared;

-- system columns and whole rows
SELECT tableoid::regclass, a.application_id, a IS NULL AS is_null, a FROM applications AS a WHERE application_id = 'search8';
SELECT row_to_json(e) FROM environments AS e WHERE application_id = 'search8';
SELECT ctid, xmin, cmin, application_id FROM applications WHERE application_id = 'search8';
SELECT (r).run, (r).exposure_percentage FROM (SELECT r FROM experiment_runs AS r WHERE application_id = 'search8') AS x;

--
-- What cannot be done
--
INSERT INTO applications (application_id) VALUES ('new0001'); -- ERROR
\echo :LAST_ERROR_SQLSTATE
UPDATE experiment_runs SET status = 'DONE'; -- ERROR
\echo :LAST_ERROR_SQLSTATE
DELETE FROM experiment_runs WHERE application_id = 'search8'; -- ERROR
\echo :LAST_ERROR_SQLSTATE
COPY applications FROM stdin; -- ERROR
\.
COPY (SELECT application_id, application_name FROM applications WHERE application_id = 'search8') TO stdout;
SELECT pg_relation_is_updatable('applications'::regclass, true);
-- whose messages are not the same in all versions of PostgreSQL
CREATE FUNCTION public.outcome(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN 'refused';
END
$$;
SET client_min_messages = error;
SELECT command, outcome(command)
FROM (VALUES ('TRUNCATE applications'), ('CREATE INDEX ON applications (application_id)'), ('SELECT * FROM applications TABLESAMPLE SYSTEM (100)'),
             ('ALTER TABLE applications ADD PRIMARY KEY (application_id)'), ('ANALYZE applications')) AS x(command);
RESET client_min_messages;
SELECT count(*) FROM pg_stats WHERE schemaname = 'appconfig';

DROP TABLE dump;
DROP FUNCTION differences, outcome;
\i sql/teardown.psql
DROP DOMAIN identifier, run_number;
