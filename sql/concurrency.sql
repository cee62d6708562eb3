--
-- Concurrency: calls go out together, as many as allowed, and rows keep their order
--
\i sql/setup.psql
-- the most requests in flight at any time, as far as that is certain
\setenv PEAK 'expect() { peak=$(test/emulator/ctl.py peak); if [ $peak -ge $1 ] && [ $peak -le $2 ]; then echo "$1 to $2"; else echo $peak; fi; }; expect'
CREATE VIEW public.weeks AS
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
\! test/emulator/ctl.py fault latency --ms 100 --operation GetExperimentRun

-- the default is 16 at a time
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
\! test/emulator/ctl.py calls
\! eval "$PEAK 8 16"

-- fewer
ALTER SERVER appconfig OPTIONS (ADD max_concurrency '4');
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run BETWEEN 1 AND 120;
\! test/emulator/ctl.py calls
\! eval "$PEAK 2 4"
\! test/emulator/ctl.py connections --used
-- or one at a time, over one connection
ALTER SERVER appconfig OPTIONS (SET max_concurrency '1');
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run <= 5;
SELECT count(exposure_percentage) FROM weeks WHERE run = ANY ('{6,7,8}');
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py peak
\! test/emulator/ctl.py connections --used
-- more, but not more than there is to ask
ALTER SERVER appconfig OPTIONS (SET max_concurrency '256');
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 30)));
\! eval "$PEAK 17 30"
-- what is the same is asked once
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run IN (1, 1, 1) OR run = 1;
\! test/emulator/ctl.py calls
ALTER SERVER appconfig OPTIONS (DROP max_concurrency);

-- connections serve the next statement, too
\! test/emulator/ctl.py nofaults
SELECT count(exposure_percentage) FROM weeks WHERE run < 40;
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run < 10;
SELECT count(exposure_percentage) FROM weeks WHERE run = 11;
\! test/emulator/ctl.py connections
-- even after an error
\! test/emulator/ctl.py fault error500 --times 3 --path experimentruns/7$
SELECT count(exposure_percentage) FROM weeks WHERE run = 7; -- ERROR
SELECT count(exposure_percentage) FROM weeks WHERE run = 7;
\! test/emulator/ctl.py connections

-- whatever comes back first, the order of the rows is that of the list, or of the keys
CREATE TABLE public.got (n serial, run integer, exposure_percentage double precision);
\! test/emulator/ctl.py fault latency --ms 80 --path 'experimentruns/[0-9]*0$'
\! test/emulator/ctl.py fault latency --ms 40 --path 'experimentruns/[0-9]*[2-5]$'
INSERT INTO got (run, exposure_percentage) SELECT run, exposure_percentage FROM weeks;
SELECT count(*), bool_and(run = 121 - n) AS in_order FROM got;
TRUNCATE got RESTART IDENTITY;
INSERT INTO got (run, exposure_percentage)
SELECT run, exposure_percentage FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(9, 1, -1)));
SELECT count(*), bool_and(run = n) AS in_order FROM got;
\! test/emulator/ctl.py nofaults

-- the lists of many definitions go together
\! test/emulator/ctl.py fault latency --ms 50 --operation ListExperimentRuns
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs;
\! test/emulator/ctl.py calls
\! eval "$PEAK 4 12"
\! test/emulator/ctl.py nofaults

-- a pace that is set is kept: 10 at once, 10 a second after; a List is too dear for ten of them
ALTER SERVER appconfig OPTIONS (SET max_get_rate '10', SET max_list_rate '0.5');
CREATE TABLE public.clock (at timestamptz);
INSERT INTO clock SELECT clock_timestamp();
SELECT count(exposure_percentage) FROM weeks WHERE run <= 10 AND run = ANY (ARRAY(SELECT generate_series(1, 10)));
SELECT clock_timestamp() - at < '0.9 s' AS at_once FROM clock;
SELECT count(exposure_percentage) FROM weeks WHERE run = ANY (ARRAY(SELECT generate_series(1, 10)));
SELECT clock_timestamp() - at >= '0.9 s' AS paced, clock_timestamp() - at < '5 s' AS not_more FROM clock;

-- a scan that ends early leaves nothing behind
ALTER SERVER appconfig OPTIONS (SET max_get_rate '0', SET max_list_rate '0');
\! test/emulator/ctl.py fault latency --ms 20
BEGIN;
DECLARE c CURSOR FOR TABLE weeks;
FETCH 2 FROM c;
CLOSE c;
SELECT count(*) FROM weeks;
COMMIT;
SELECT count(*) FROM (SELECT 1 FROM weeks WHERE exposure_percentage >= 0 LIMIT 3) AS x;
SELECT EXISTS (SELECT 1 FROM weeks WHERE exposure_percentage >= 0);

DROP TABLE got, clock;
\i sql/teardown.psql
