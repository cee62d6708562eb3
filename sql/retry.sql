--
-- Retries: what is tried again, how often, and how it looks to the service
--
\i sql/setup.psql
ALTER SERVER appconfig OPTIONS (DROP cache_size);
CREATE VIEW public.a_run AS
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
-- the log without what differs each time
\setenv ATTEMPTS 'test/emulator/ctl.py log | sed -E "s/.*\\"operation\\": \\"([A-Za-z]+)\\".*\\"attempt\\": \\"([^\\"]*)\\".*\\"status\\": ([0-9]+).*/\\1 \\2 \\3/"'

-- a success needs one attempt
\! test/emulator/ctl.py clear
SELECT * FROM a_run;
\! eval "$ATTEMPTS"

-- throttled twice
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault throttle --times 2
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
-- as 400, and by other names
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault throttle --times 1 --status 400
\! test/emulator/ctl.py fault throttle --times 1 --status 400 --code TooManyRequestsException
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
-- a bare 429
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 429 --times 1
SELECT * FROM a_run;
\! eval "$ATTEMPTS"

-- 500 and its kin
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault error500 --times 2
SELECT * FROM a_run;
\! test/emulator/ctl.py fault unavailable503 --times 1
\! test/emulator/ctl.py fault html503 --times 1
SELECT * FROM a_run;
\! test/emulator/ctl.py fault status --status 502 --times 1
\! test/emulator/ctl.py fault status --status 504 --times 1
SELECT * FROM a_run;
\! eval "$ATTEMPTS"

-- connections that break; where a kept one breaks before any answer, libcurl
-- itself sends the request once more, and that is the same attempt
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault reset --times 1
\! test/emulator/ctl.py fault truncate --times 1
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault reset-midbody --times 1
\! test/emulator/ctl.py fault chunked-truncate --times 1
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
-- an answer that does not come
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault hang --times 1
ALTER SERVER appconfig OPTIONS (ADD request_timeout '200ms');
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
ALTER SERVER appconfig OPTIONS (DROP request_timeout);
-- a connection that the other side has closed is no attempt of ours
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault close --times 1
SELECT * FROM a_run;
SELECT * FROM a_run;
\! eval "$ATTEMPTS"

-- in the middle of a list
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault throttle --times 1 --path next_token
\! test/emulator/ctl.py fault error500 --times 1 --path 'experimentruns/7$'
\! test/emulator/ctl.py fault error500 --times 1 --path 'experimentruns/77$'
SELECT count(*), count(exposure_percentage) FROM experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
\! test/emulator/ctl.py calls
\! eval "$ATTEMPTS" | sort | uniq -c | sed 's/^ *//'

-- as often as the option says
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault error500
SELECT * FROM a_run; -- ERROR
\! eval "$ATTEMPTS"
\! test/emulator/ctl.py clear
ALTER SERVER appconfig OPTIONS (ADD max_attempts '1');
SELECT * FROM a_run; -- ERROR
\! eval "$ATTEMPTS"
\! test/emulator/ctl.py clear
ALTER SERVER appconfig OPTIONS (SET max_attempts '5');
SELECT * FROM a_run; -- ERROR
\! eval "$ATTEMPTS"
ALTER SERVER appconfig OPTIONS (DROP max_attempts);

-- what is not tried again
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault status --status 400 --code BadRequestException --times 1
\! test/emulator/ctl.py fault status --status 403 --code AccessDeniedException --times 1
\! test/emulator/ctl.py fault status --status 402 --code ServiceQuotaExceededException --times 1
\! test/emulator/ctl.py fault status --status 409 --code ConflictException --times 1
\! test/emulator/ctl.py fault status --status 501 --times 1
\! test/emulator/ctl.py fault redirect --times 1
\! test/emulator/ctl.py fault malformed --times 1
\set VERBOSITY sqlstate
SELECT * FROM a_run; -- ERROR
SELECT * FROM a_run; -- ERROR
SELECT * FROM a_run; -- ERROR
SELECT * FROM a_run; -- ERROR
SELECT * FROM a_run; -- ERROR
SELECT * FROM a_run; -- ERROR
SELECT * FROM a_run; -- ERROR
\set VERBOSITY default
\! eval "$ATTEMPTS"
\! test/emulator/ctl.py clear
SELECT * FROM experiment_runs WHERE application_id = 'nosuch1' AND experiment_definition_id = 'bsxyd7k' AND run = 1 AND status <> '';
\! eval "$ATTEMPTS"

-- the service says how long to wait; the time is known only from below
CREATE FUNCTION public.takes(query text, at_least interval, at_most interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    started timestamptz := clock_timestamp();
    taken interval;
BEGIN
    EXECUTE query;
    taken := clock_timestamp() - started;
    RETURN CASE WHEN taken < at_least THEN 'too short: ' || taken WHEN taken > at_most THEN 'too long: ' || taken ELSE 'as expected' END;
END
$$;
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py fault throttle --times 1 --header 'Retry-After: 1'
SELECT takes('TABLE a_run', '1 s', '4 s');
\! test/emulator/ctl.py fault throttle --times 1 --header 'x-amz-retry-after: 700'
SELECT takes('TABLE a_run', '0.7 s', '4 s');
-- nonsense is no hint
\! test/emulator/ctl.py fault throttle --times 1 --header 'Retry-After: soon'
\! test/emulator/ctl.py fault error500 --times 1 --header 'x-amz-retry-after: -5'
SELECT takes('TABLE a_run', '0 s', '6 s');
\! eval "$ATTEMPTS"

-- a clock that is wrong is corrected, and stays so for the session
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py nofaults
\! test/emulator/ctl.py mutate set_clock seconds=-7200
SELECT * FROM a_run;
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
-- again, when it jumps
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py mutate set_clock seconds=7200
SELECT * FROM a_run;
SELECT * FROM a_run;
\! eval "$ATTEMPTS"
-- once a call: what is still refused is an error
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py mutate set_clock seconds=0
SELECT * FROM a_run;
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault skew --seconds 3600
SELECT * FROM a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! eval "$ATTEMPTS"
-- where the clock is right, the signature is wrong, and trying again is of no use
\! test/emulator/ctl.py nofaults
SELECT * FROM a_run;
\! test/emulator/ctl.py clear
\! test/emulator/ctl.py fault status --status 403 --code InvalidSignatureException --message 'Signature expired: a is now earlier than b'
SELECT * FROM a_run; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! eval "$ATTEMPTS"
\! test/emulator/ctl.py nofaults

-- the next statement does not pay for the last one's failure
\! test/emulator/ctl.py clear
SELECT * FROM a_run;
\! eval "$ATTEMPTS"

DROP FUNCTION takes;
\i sql/teardown.psql
