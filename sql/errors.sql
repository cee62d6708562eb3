--
-- Errors: what fails, as which SQLSTATE, with what detail and hint
--
\i sql/setup.psql
ALTER SERVER appconfig OPTIONS (DROP cache_size, ADD max_attempts '2');
CREATE VIEW public.a_run AS
SELECT run, description, exposure_percentage FROM experiment_runs
WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
CREATE VIEW public.weeks AS
SELECT run, status, exposure_percentage FROM experiment_runs
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';

-- an error without what libcurl and clocks say
CREATE FUNCTION public.failure(query text, OUT state text, OUT message text, OUT detail text, OUT hint text, OUT context text, OUT tells_secrets boolean)
LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE query;
    EXCEPTION WHEN OTHERS OR query_canceled THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
            hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    END;
    tells_secrets := concat(message, detail, hint, context) ~ 'EXAMPLEKEY|secret-|-token';
    context := split_part(context, E'\n', 1);
    detail := regexp_replace(detail, '[0-9]{8}T[0-9]{6}Z', '<time>', 'g');
    IF state IN ('HV00N', 'HV00M') THEN
        detail := regexp_replace(detail, ': .*', ': <reason>');
    END IF;
END
$$;

--
-- Credentials
--
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS (SET access_key_id 'AKIDDENIED', SET secret_access_key 'denied-secret');
\! test/emulator/ctl.py clear
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
TABLE weeks; -- ERROR
SELECT count(*) FROM experiment_runs; -- ERROR
SELECT count(*) FROM applications; -- ERROR
\! test/emulator/ctl.py calls
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS (SET access_key_id 'AKIDUNKNOWN', SET secret_access_key 'any-secret');
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\x on
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS (SET access_key_id 'AKIDEXAMPLE', SET secret_access_key 'wrong-secret-');
SELECT * FROM failure('TABLE a_run');
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig
    OPTIONS (SET access_key_id 'ASIAEXPIRED', SET secret_access_key 'expired-secret', ADD session_token 'expired-token');
SELECT * FROM failure('TABLE a_run');
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig
    OPTIONS (SET access_key_id 'ASIATEMPORARY', SET secret_access_key 'temporary-secret', SET session_token 'temporary-token-');
SELECT * FROM failure('TABLE a_run');
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS (SET session_token 'temporary-token');
\x off
TABLE a_run;
-- a region that signatures are not for
ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig
    OPTIONS (DROP session_token, SET access_key_id 'AKIDEXAMPLE', SET secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
ALTER SERVER appconfig OPTIONS (SET region 'eu-west-1');
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
ALTER SERVER appconfig OPTIONS (SET region 'us-east-1');
TABLE a_run;
-- whose mapping
CREATE ROLE regress_appconfig_user;
GRANT USAGE ON SCHEMA appconfig TO regress_appconfig_user;
GRANT SELECT ON experiment_runs, a_run TO regress_appconfig_user;
SET ROLE regress_appconfig_user;
SELECT run FROM appconfig.experiment_runs WHERE application_id = '339ohji'; -- ERROR
\echo :LAST_ERROR_SQLSTATE
TABLE a_run;
RESET ROLE;
-- a message that quotes what it should not
\! test/emulator/ctl.py fault status --status 403 --code InvalidSignatureException --message 'not by wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
\x on
SELECT * FROM failure('TABLE a_run');
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 403 --code InvalidSignatureException --message "The request signature we calculated does not match. The Canonical String for this request should have been 'GET secret-token'"
SELECT * FROM failure('TABLE a_run');
\x off
\! test/emulator/ctl.py nofaults

--
-- The service says no
--
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault status --status 400 --code BadRequestException --message 'Something about the request' --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault error500 --times 2
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault html503 --times 2
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
ALTER SERVER appconfig OPTIONS (ADD throttle_timeout '0');
\! test/emulator/ctl.py fault throttle --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault redirect --times 1 --location http://127.0.0.1:1/elsewhere
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault status --status 418 --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault status --status 204 --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
-- codes and messages in all the places where they are found
\! test/emulator/ctl.py fault status --status 400 --body '{"__type":"com.amazon.coral.service#ValidationException:http://x/","message":"from the body"}' --times 1
TABLE a_run; -- ERROR
\! test/emulator/ctl.py fault status --status 403 --body '<MissingAuthenticationTokenException><Message>Missing Authentication Token</Message></MissingAuthenticationTokenException>' --times 1
TABLE a_run; -- ERROR
\! test/emulator/ctl.py fault status --status 400 --body '{"code":"AccessDeniedException","Message":"several\nlines\tof \u0001 text"}' --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault status --status 400 --code 'aws.protocol#ThrottlingException:http://internal.amazon.com/coral/' --message slow --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py nofaults
-- errors in XML
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault status --status 403 --body '<?xml version="1.0"?> <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>no longer &lt;valid&gt;</Message></Error></ErrorResponse>' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<Error><Code>SignatureDoesNotMatch</Code></Error>' --times 1
SELECT state, detail FROM failure('TABLE a_run');
-- whoever else answers, its text is not shown
\! test/emulator/ctl.py fault status --status 403 --body 'a text of somebody else' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '{"message":"a text of somebody else"}' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '{"code":"not_found","message":"a text of somebody else"}' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '{"code":7,"Code":"a text of somebody else","message":"a text of somebody else"}' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '{"Code":"AtextOfSomebodyElseThatIsMuchLongerThanAnyCodeOfAWSHasEverBeen0123456789012345678901234567890123456789","message":"a text of somebody else"}' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '["a text of somebody else"]' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<?xml version="1.0"?><page><Code>Text</Code><Message>a text of somebody else</Message></page>' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<Error><Code>a text of somebody else</Code><Message>a text of somebody else</Message></Error>' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<Exception><Message><b>a text</b> of somebody else</Message></Exception>' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<Error' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<html><body>a text of somebody else</body></html>' --header 'x-amzn-ErrorType: a text of somebody else' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 403 --body '<html><body>a text of somebody else</body></html>' --header 'x-amzn-ErrorType: AccessDeniedException' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 200 --body 'a text of somebody else' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py fault status --status 302 --body 'a text of somebody else' --header 'Location: http://somebody.else/' --times 1
SELECT state, detail FROM failure('TABLE a_run');
\! test/emulator/ctl.py nofaults
-- what the list has just shown may be gone, but a first page has a second one
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'gone' --path next_token
\set SHOW_CONTEXT never
SELECT count(*) FROM weeks; -- ERROR
\set SHOW_CONTEXT errors
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 404 --code ResourceNotFoundException: --message 'gone' --path experimentruns/77
SELECT count(*), count(exposure_percentage) FROM weeks;
\! test/emulator/ctl.py nofaults

--
-- The connection
--
\x on
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault reset
SELECT * FROM failure('SELECT count(*) FROM weeks');
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault truncate
SELECT * FROM failure('SELECT count(*) FROM weeks');
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault chunked-truncate
SELECT * FROM failure('SELECT count(*) FROM weeks');
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault reset-midbody
SELECT * FROM failure('SELECT count(*) FROM weeks');
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault hang
ALTER SERVER appconfig OPTIONS (ADD request_timeout '50ms');
SELECT * FROM failure('SELECT count(*) FROM weeks');
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault drip --ms 10
ALTER SERVER appconfig OPTIONS (SET request_timeout '100ms');
SELECT state, message FROM failure('SELECT count(*) FROM weeks');
ALTER SERVER appconfig OPTIONS (DROP request_timeout);
-- statement_timeout holds while the network hangs
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault hang
SET statement_timeout = '200ms';
SELECT count(*) FROM weeks; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SET statement_timeout = 0;
\! test/emulator/ctl.py nofaults
ALTER SERVER appconfig OPTIONS (SET endpoint 'http://127.0.0.1:1');
SELECT * FROM failure('SELECT count(*) FROM weeks');
ALTER SERVER appconfig OPTIONS (SET endpoint 'http://localhost:1/prefix');
SELECT state, context FROM failure('SELECT count(*) FROM weeks');
ALTER SERVER appconfig OPTIONS (SET endpoint :'endpoint');
\x off
SELECT count(*) FROM weeks;

--
-- Answers that cannot be read
--
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault malformed --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault trailing-garbage --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault garbage-bytes --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault not-object --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault status --status 200 --body '' --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault status --status 200 --body null --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault deep --bytes 100000 --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault invalid-utf8 --times 1
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
ALTER SERVER appconfig OPTIONS (ADD max_response_size '8kB');
\! test/emulator/ctl.py fault huge --bytes 8192 --times 1
TABLE a_run;
\! test/emulator/ctl.py fault huge --bytes 8193 --times 1
SELECT state, message, hint FROM failure('TABLE a_run');
ALTER SERVER appconfig OPTIONS (DROP max_response_size);
\! test/emulator/ctl.py fault huge --bytes 17000000 --times 1
SELECT state FROM failure('TABLE a_run');
\! test/emulator/ctl.py nofaults

--
-- Answers with something wrong in them
--
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"Description":"a\u0000b","StartedAt":"yesterday","ExposurePercentage":"12%","Result":{"ExecutiveSummary":"c\u0000d"},"Status":["DONE"],"ExperimentDefinitionSnapshot":{"FlagKey":"\u0000"}}'
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT result_executive_summary FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\set SHOW_CONTEXT never
SELECT experiment_definition_snapshot FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1; -- ERROR
\set SHOW_CONTEXT errors
\echo :LAST_ERROR_SQLSTATE
SELECT exposure_percentage FROM a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT started_at FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1; -- ERROR
\echo :LAST_ERROR_SQLSTATE
-- but only for those who read it; a text is whatever it was
SELECT run, status, region FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1.0,"StartedAt":1785000000.5,"UpdatedAt":"2026-02-30T00:00:00Z","EndedAt":"now"}'
SELECT run, started_at FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
SELECT updated_at FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT ended_at FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"Run":1,"ExposurePercentage":"x","ExposurePercentage":3}'
TABLE a_run;
-- an integer is one however it is written, on every table; and what is none is none
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":10e-1,"ExperimentDefinitionSnapshot":{"Control":{"Key":"c"}}}'
\! test/emulator/ctl.py fault status --operation ListExperimentRuns --status 200 --body '{"Items":[{"ExperimentDefinitionId":"bsxyd7k","Run":1.0}]}'
SELECT run FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
SELECT run, exposure_percentage FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k';
SELECT run, treatment_key FROM treatments WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k';
SELECT DISTINCT run FROM run_events WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k';
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1.5}'
SELECT object, state, detail
FROM (VALUES ('experiment_runs', 'exposure_percentage'), ('treatments', 'weight'), ('attribute_values', 'value'), ('treatment_overrides', 'entity_id')) AS tables (object, read),
     failure(format($$SELECT run FROM %I WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1 AND %I IS NULL$$, object, read));
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1e30}'
SELECT run FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1 AND exposure_percentage IS NULL; -- ERROR
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":"1"}'
SELECT run FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1 AND exposure_percentage IS NULL; -- ERROR
SELECT run FROM treatments WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py fault status --operation ListExperimentRuns --status 200 --body '{"Items":[{"ExperimentDefinitionId":"bsxyd7k","Run":"1"}]}'
SELECT count(*) FROM experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k'; -- ERROR
SELECT count(*) FROM run_events WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k'; -- ERROR
\! test/emulator/ctl.py nofaults
-- an answer is about what was asked for, and says so
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":2,"ExposurePercentage":1}'
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":"1"}'
TABLE a_run; -- ERROR
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":null,"Run":1}'
TABLE a_run; -- ERROR
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{}'
TABLE a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE

--
-- Lists
--
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault repeat-token --operation ListExperimentRuns
SELECT count(*) FROM weeks; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault empty-page --operation ListExperimentRuns --times 2
\! test/emulator/ctl.py clear
SELECT count(*) FROM weeks;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault wrong-type --operation ListExperimentRuns --member Items
SELECT count(*) FROM weeks; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault wrong-type --operation ListExperimentRuns --member NextToken
SELECT count(*) FROM weeks; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault null-members --operation ListExperimentRuns --member NextToken --times 1
SELECT count(*) FROM weeks;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault null-members --operation ListExperimentRuns --member Items
SELECT count(*) FROM weeks; -- ERROR
\! test/emulator/ctl.py nofaults
-- a page may be longer than it was asked for, but not without end
\! test/emulator/ctl.py fault status --operation ListExperimentRuns --status 200 --body '{"Items":['$(seq -s, -f '{"ExperimentDefinitionId":"def120x","Run":%g}' 1000)']}'
SELECT count(*), max(run) FROM weeks;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --operation ListExperimentRuns --status 200 --body '{"Items":['$(seq -s, -f '{"ExperimentDefinitionId":"def120x","Run":%g}' 1001)']}'
SELECT count(*) FROM weeks; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --operation ListApplications --status 200 --body '{"Items":['$(seq -s, -f '{"Id":"app%g"}' 1001)']}'
SELECT count(application_name) FROM experiment_runs; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault null-members --operation ListExperimentRuns
\! test/emulator/ctl.py fault duplicate-members --operation GetExperimentRun
SELECT count(*), count(exposure_percentage) FROM weeks;
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault duplicate-members --operation ListExperimentRuns
\! test/emulator/ctl.py fault chunked --bytes 7 --operation GetExperimentRun
SELECT count(*), count(exposure_percentage) FROM weeks;
\! test/emulator/ctl.py nofaults

--
-- After an error
--
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault error500 --path experimentruns/110
\set VERBOSITY terse
SELECT count(exposure_percentage) FROM weeks; -- ERROR
\echo :LAST_ERROR_SQLSTATE
-- rows that have come before it are rows: the error has its place
BEGIN;
DECLARE c CURSOR FOR SELECT run, exposure_percentage IS NOT NULL AS has FROM weeks;
MOVE 9 FROM c;
FETCH 1 FROM c;
SAVEPOINT s;
FETCH 1 FROM c; -- ERROR
ROLLBACK TO s;
SELECT count(*) FROM weeks WHERE run < 10;
COMMIT;
\set VERBOSITY default
\! test/emulator/ctl.py nofaults
SELECT count(exposure_percentage) FROM weeks;

DROP FUNCTION failure;
DROP OWNED BY regress_appconfig_user;
DROP ROLE regress_appconfig_user;
\i sql/teardown.psql
