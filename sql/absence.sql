--
-- Absence: only the service says that something is not there, and only of what was named
--
\i sql/setup.psql

-- a query for each operation that begins a walk, and whether it names anything
CREATE TABLE public.questions (operation text, named boolean, question text);
INSERT INTO public.questions VALUES
    ('ListApplications', false, $$ applications $$),
    ('ListApplications', false, $$ applications WHERE application_id = '339ohji' $$),
    ('ListApplications', false, $$ experiment_runs WHERE application_name = 'storefront' $$),
    ('GetEnvironment', true, $$ environments WHERE application_id = '339ohji' AND environment_id = '54j1r29' $$),
    ('ListEnvironments', true, $$ environments WHERE application_id = '339ohji' $$),
    ('GetConfigurationProfile', true, $$ configuration_profiles WHERE application_id = '339ohji' AND configuration_profile_id = 'ur8hx2f' $$),
    ('ListConfigurationProfiles', true, $$ configuration_profiles WHERE application_id = '339ohji' $$),
    ('GetExperimentDefinition', true, $$ definition_treatments WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' $$),
    ('ListExperimentDefinitions', true, $$ experiment_definitions WHERE application_id = '339ohji' $$),
    ('ListExperimentDefinitions', false, $$ experiment_definitions $$),
    ('ListExperimentDefinitions', false, $$ experiment_definitions WHERE status = 'ACTIVE' $$),
    ('GetExperimentRun', true, $$ treatments WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1 $$),
    ('ListExperimentRuns', true, $$ experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' $$),
    ('ListExperimentRunEvents', true, $$ run_events WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1 $$);

CREATE FUNCTION public.answer(question text, OUT state text, OUT result text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT count(*) || '' rows'' FROM ' || question INTO result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, result = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    detail := regexp_replace(detail, '[0-9]{12}', '…');
END
$$;
CREATE VIEW public.answers AS
SELECT operation, state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- as it is
SELECT operation, result FROM questions, answer(question) ORDER BY operation, question;

--
-- Somebody else's 404: a balancer's page, a gateway's JSON, a Region without the operation, a code with another status
--
\! test/emulator/ctl.py fault status --status 404 --body '<html><body><h1>404 Not Found</h1></body></html>'
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404 --body '{"message":"Not Found"}'
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404 --code UnknownOperationException --message 'unknown'
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 400 --code ResourceNotFoundException --message 'not here'
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
-- a wrong path in the endpoint
\set prefixed :endpoint '/prefix'
ALTER SERVER appconfig OPTIONS (SET endpoint :'prefixed');
\x on
SELECT DISTINCT a.* FROM questions, answer(question) a WHERE operation = 'ListApplications';
\x off
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
ALTER SERVER appconfig OPTIONS (SET endpoint :'endpoint');

--
-- The service's own: no rows of what was named, an error where nothing was
--
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'could not be found'
SELECT named, operation, state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;
\! test/emulator/ctl.py nofaults
-- what a list has just shown has lists of its own, be it an application
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'gone' --operation ListExperimentDefinitions
SELECT state, result FROM answer($$ experiment_definitions WHERE application_name = 'storefront' $$);
SELECT state, result FROM answer($$ experiment_definitions WHERE application_id = 'shop4x1' $$);
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'gone' --operation ListExperimentRuns
SELECT * FROM answer($$ experiment_runs WHERE application_id = '339ohji' $$) \gx
SELECT * FROM answer($$ experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' $$) \gx
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'gone' --operation ListExperimentRunEvents
SELECT state, result FROM answer($$ run_events WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' $$);
SELECT state, result FROM answer($$ run_events WHERE application_id = '339ohji' AND run = 1 $$);
SELECT state, result FROM answer($$ run_events WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 9 $$);
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'gone' --operation ListEnvironments
SELECT state, result FROM answer($$ environments $$);
\! test/emulator/ctl.py nofaults

--
-- A success that is no answer
--
\! test/emulator/ctl.py fault status --status 200 --body '{}'
SELECT * FROM answers;
SELECT DISTINCT operation, detail, hint FROM questions, answer(question) ORDER BY operation;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 200 --body '{"status":"ok","Status":"DONE"}'
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 200 --body '{"Items":null,"Id":null,"Name":"a"}'
SELECT state, result, count(*) FROM questions, answer(question) GROUP BY 1, 2;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 200 --body '{"Items":{},"Id":7,"ApplicationId":true,"ExperimentDefinitionId":[],"Run":"1"}'
SELECT DISTINCT operation, state, detail FROM questions, answer(question) ORDER BY operation;
\! test/emulator/ctl.py nofaults
-- items that name nothing
\! test/emulator/ctl.py fault status --status 200 --body '{"Items":[{}]}'
SELECT operation, state, detail FROM questions, answer(question) WHERE operation LIKE 'List%' AND operation <> 'ListExperimentRunEvents' ORDER BY operation, question;
\! test/emulator/ctl.py nofaults

--
-- What is kept of it survives
--
CREATE MATERIALIZED VIEW public.kept AS SELECT count(*) FROM applications;
\! test/emulator/ctl.py fault status --status 404 --body '<html></html>'
\set VERBOSITY terse
REFRESH MATERIALIZED VIEW public.kept; -- ERROR
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 200 --body '{"status":"ok"}'
REFRESH MATERIALIZED VIEW public.kept; -- ERROR
\! test/emulator/ctl.py nofaults
SELECT count > 0 AS has_rows FROM public.kept;

DROP MATERIALIZED VIEW public.kept;
DROP VIEW public.answers;
DROP FUNCTION public.answer;
DROP TABLE public.questions;
\i sql/teardown.psql
