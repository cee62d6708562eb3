--
-- Experiment runs: every column, every way to name a run, and what each costs
--
-- The emulator counts the calls; "ctl.py calls" shows them and "ctl.py clear"
-- begins anew.  Nothing is remembered from one statement to the next.
--
\i sql/setup.psql
\set dump `"${PYTHON:-python3}" test/emulator/emulator.py --data standard --dump`

--
-- Columns
--
\x on
SELECT * FROM experiment_runs
WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
SELECT * FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 2;
\x off

-- all of them, each column against the documents that the emulator holds
CREATE TABLE public.documents AS
SELECT d, ordinality AS place
FROM jsonb_array_elements(:'dump'::jsonb -> 'experiment_runs') WITH ORDINALITY AS x(d, ordinality);
CREATE TABLE public.names AS
SELECT a ->> 'Id' AS application_id, a ->> 'Name' AS application_name,
       d ->> 'Id' AS experiment_definition_id, d ->> 'Name' AS experiment_definition_name
FROM jsonb_array_elements(:'dump'::jsonb -> 'applications') AS a,
     jsonb_array_elements(:'dump'::jsonb -> 'experiment_definitions') AS d
WHERE d ->> 'ApplicationId' = a ->> 'Id';
CREATE TABLE public.wanted AS
SELECT application_id, application_name, experiment_definition_id, experiment_definition_name,
       (d ->> 'Run')::integer AS run, d ->> 'Description' AS description, d ->> 'Status' AS status,
       (d ->> 'ExposurePercentage')::double precision AS exposure_percentage,
       d -> 'TreatmentOverrides' -> 'Inline' AS treatment_overrides,
       d -> 'Result' ->> 'ExecutiveSummary' AS result_executive_summary,
       d -> 'Result' ->> 'ReasonsToLaunch' AS result_reasons_to_launch,
       d -> 'Result' ->> 'ReasonsNotToLaunch' AS result_reasons_not_to_launch,
       (d ->> 'StartedAt')::timestamptz AS started_at, (d ->> 'UpdatedAt')::timestamptz AS updated_at,
       (d ->> 'EndedAt')::timestamptz AS ended_at,
       s ->> 'Hypothesis' AS hypothesis, s ->> 'ConfigurationProfileId' AS configuration_profile_id,
       s ->> 'EnvironmentId' AS environment_id, s ->> 'FlagKey' AS flag_key,
       s ->> 'AudienceRule' AS audience_rule, s ->> 'AudienceDescription' AS audience_description,
       s ->> 'LaunchCriteria' AS launch_criteria, s AS experiment_definition_snapshot,
       'us-east-1' AS region
FROM documents, LATERAL (SELECT d -> 'ExperimentDefinitionSnapshot' AS s) AS snapshot, names
WHERE d ->> 'ApplicationId' = application_id AND d ->> 'ExperimentDefinitionId' = experiment_definition_id;
SELECT count(*), count(DISTINCT w::text) FROM wanted AS w;
-- the text of a row tells 50.0 from 50, and NULL from an empty string
SELECT 'missing' AS what, r FROM (SELECT w::text FROM wanted AS w EXCEPT ALL SELECT e::text FROM experiment_runs AS e) AS x(r)
UNION ALL
SELECT 'extra', r FROM (SELECT e::text FROM experiment_runs AS e EXCEPT ALL SELECT w::text FROM wanted AS w) AS x(r);

-- the odd ones among them
SELECT run, application_name, experiment_definition_name, description, hypothesis, result_executive_summary, launch_criteria,
       experiment_definition_snapshot IS NULL AS no_snapshot
FROM experiment_runs
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run IN (3, 4, 10, 15)
ORDER BY run;
SELECT run, treatment_overrides, exposure_percentage, started_at, updated_at, ended_at
FROM experiment_runs
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run IN (2, 10, 15, 16, 17)
ORDER BY run;
-- fractions of a second of 0, 3, 6 and 9 digits
SELECT run, started_at FROM experiment_runs
WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run BETWEEN 4 AND 7
ORDER BY run;
SELECT experiment_definition_snapshot -> 'Revision' AS unknown_member,
       experiment_definition_snapshot #> '{Treatments,0}' AS treatment
FROM experiment_runs
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run = 19;
-- numbers as they were sent
SELECT key, value -> 'NumberValue' AS number
FROM experiment_runs, jsonb_each(experiment_definition_snapshot #> '{Treatments,0,FlagValue,AttributeValues}')
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run = 8
  AND key IN ('n3', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9', 'n10') ORDER BY length(key), key;
SELECT description = U&'na\00EFve \2615 \65E5\672C\8A9E \+01F9EA\200D\+01F52C \202Eright to left' AS description,
       treatment_overrides = jsonb_build_object(U&'k\00E4ufer-\+01F6D2', 't1', E'quote"back\\slash\nline', 'c') AS treatment_overrides
FROM experiment_runs
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run = 11;
SELECT length(description), length(audience_rule) FROM experiment_runs
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run = 20;

--
-- Runs that are named
--
CREATE VIEW public.exposures AS
SELECT application_id, experiment_definition_id, run, exposure_percentage FROM experiment_runs;
CREATE VIEW public.carts AS
SELECT run, status, exposure_percentage FROM experiment_runs
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
\! test/emulator/ctl.py clear
SELECT * FROM carts WHERE run = 1;
SELECT * FROM carts WHERE 2 = run;
\! test/emulator/ctl.py calls --paths
\! test/emulator/ctl.py clear
SELECT * FROM carts WHERE run IN (3, 1, 99) ORDER BY run;
SELECT * FROM carts WHERE run = ANY (ARRAY[3, 1, 3, 1]) ORDER BY run;
SELECT * FROM carts WHERE run = 1 OR run = 3 OR run = 1 ORDER BY run;
SELECT * FROM carts WHERE run BETWEEN 2 AND 2;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT * FROM carts WHERE run = ANY ('{NULL,2,NULL}');
SELECT * FROM carts WHERE run = ANY ('{{1,2},{NULL,4}}') ORDER BY run;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT * FROM carts WHERE run = ANY ('{}');
SELECT * FROM carts WHERE run = ANY ('{NULL}');
SELECT * FROM carts WHERE run = ANY (NULL::integer[]);
SELECT * FROM carts WHERE run = NULL;
\! test/emulator/ctl.py calls

-- integers of any size
SELECT * FROM carts WHERE run = 1::smallint;
SELECT * FROM carts WHERE run = 1::bigint;
SELECT * FROM carts WHERE run = ANY ('{1,4294967297,-9223372036854775808}'::bigint[]);
SELECT * FROM carts WHERE run = ANY ('{-1,0,1,32767}'::smallint[]);
SELECT * FROM carts WHERE run = 2147483647;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT * FROM carts WHERE run = 4294967297;
SELECT * FROM carts WHERE run = -9223372036854775808;
SELECT * FROM carts WHERE run = 0;
SELECT * FROM carts WHERE run = (-1)::smallint;
\! test/emulator/ctl.py calls
-- other types are compared here
SELECT * FROM carts WHERE run = 1.0;
SELECT * FROM carts WHERE run = 1.5;
SELECT * FROM carts WHERE run = 2::double precision;
SELECT * FROM carts WHERE run::text = '3';

-- several keys that vary
\! test/emulator/ctl.py clear
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND experiment_definition_id IN ('addcrt1', 'chkout2') AND run IN (1, 2)
ORDER BY experiment_definition_id, run;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT * FROM exposures
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3
   OR application_id = 'search8' AND experiment_definition_id = 'rankng3' AND run = 1
   OR application_id = 'mobile6' AND experiment_definition_id = 'onbrd44' AND run = 2
ORDER BY application_id;
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SELECT * FROM exposures
WHERE (application_id, experiment_definition_id, run) IN (('shop4x1', 'addcrt1', 3), ('search8', 'rankng3', 1), ('shop4x1', 'addcrt1', 3))
ORDER BY application_id;
\! test/emulator/ctl.py calls --paths --sort

--
-- Values that are known late
--
PREPARE by_run(text, text, integer[]) AS
SELECT run, exposure_percentage FROM experiment_runs
WHERE application_id = $1 AND experiment_definition_id = $2 AND run = ANY ($3) ORDER BY run;
\! test/emulator/ctl.py clear
EXECUTE by_run('shop4x1', 'addcrt1', '{1,2}');
EXECUTE by_run('shop4x1', 'addcrt1', '{3}');
EXECUTE by_run('shop4x1', 'addcrt1', '{}');
EXECUTE by_run('shop4x1', 'addcrt1', NULL);
EXECUTE by_run(NULL, 'addcrt1', '{1}');
EXECUTE by_run('nosuch1', 'addcrt1', '{1}');
EXECUTE by_run('search8', 'rankng3', '{1,NULL,1}');
EXECUTE by_run('mobile6', 'onbrd44', '{1,0}');
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SET plan_cache_mode = force_generic_plan;
EXECUTE by_run('shop4x1', 'addcrt1', '{1,2}');
EXECUTE by_run('shop4x1', 'addcrt1', NULL);
EXECUTE by_run('339ohji', 'bsxyd7k', '{1}');
\! test/emulator/ctl.py calls --paths --sort
\! test/emulator/ctl.py clear
SET plan_cache_mode = force_custom_plan;
EXECUTE by_run('shop4x1', 'addcrt1', '{1,2}');
EXECUTE by_run('shop4x1', 'addcrt1', NULL);
EXECUTE by_run('339ohji', 'bsxyd7k', '{1}');
\! test/emulator/ctl.py calls --paths --sort
RESET plan_cache_mode;
DEALLOCATE by_run;

CREATE TABLE public.chosen (n integer);
INSERT INTO chosen VALUES (1), (3), (3), (NULL);
\! test/emulator/ctl.py clear
SELECT * FROM carts WHERE run = (SELECT max(n) FROM chosen);
SELECT * FROM carts WHERE run = (SELECT n FROM chosen WHERE n > 5);
SELECT * FROM carts WHERE run = ANY (ARRAY(SELECT n FROM chosen)) ORDER BY run;
SELECT * FROM carts WHERE run = ANY ((SELECT array_agg(n) FROM chosen)::integer[]) ORDER BY run;
\! test/emulator/ctl.py calls --paths --sort
CREATE FUNCTION public.exposure_of(which integer) RETURNS double precision LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT exposure_percentage FROM carts WHERE run = which);
END
$$;
\! test/emulator/ctl.py clear
SELECT n, exposure_of(n) FROM generate_series(1, 7) AS n;
\! test/emulator/ctl.py calls
-- a volatile value may differ from row to row
\! test/emulator/ctl.py clear
SELECT count(*) <= 3 AS ok FROM carts WHERE run = 1 + floor(random() * 3)::integer;
\! test/emulator/ctl.py calls

--
-- Runs that are listed
--
CREATE VIEW public.weeks AS
SELECT * FROM experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x';
\! test/emulator/ctl.py clear
SELECT count(*), sum(run), round(avg(exposure_percentage)::numeric, 4) AS exposure FROM weeks;
\! test/emulator/ctl.py calls
-- what the list says costs no more than the list
\! test/emulator/ctl.py clear
SELECT application_id, experiment_definition_id, status, count(*), count(description), min(run), max(run),
       min(started_at), max(updated_at), max(ended_at), region
FROM weeks GROUP BY 1, 2, 3, region ORDER BY 3;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(*) FROM weeks;
\! test/emulator/ctl.py calls
-- the names cost one look-up each, however many the rows
\! test/emulator/ctl.py clear
SELECT application_name, experiment_definition_name, count(*) FROM weeks GROUP BY 1, 2;
\! test/emulator/ctl.py calls
-- the whole account
\! test/emulator/ctl.py clear
SELECT count(*) FROM experiment_runs;
\! test/emulator/ctl.py calls

-- filters before the documents
\! test/emulator/ctl.py clear
SELECT count(*), count(exposure_percentage) FROM weeks WHERE status = 'RUNNING';
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py calls --paths | grep status
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE status = 'STOPPING';
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE started_at < '2024-02-01';
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run, exposure_percentage IS NOT NULL AS has FROM weeks WHERE description = 'week 7';
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run % 10 = 0 AND ended_at IS NULL;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT count(exposure_percentage) FROM weeks WHERE run > 118 OR run < 3;
\! test/emulator/ctl.py calls
-- a filter on what only the document says comes after it
\! test/emulator/ctl.py clear
SELECT count(*) FROM weeks WHERE result_executive_summary = 'run 7' AND run < 11;
\! test/emulator/ctl.py calls

-- LIMIT stops asking
\! test/emulator/ctl.py clear
SELECT run, treatment_overrides FROM weeks LIMIT 3;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run, treatment_overrides FROM weeks LIMIT 2 OFFSET 3;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run FROM weeks LIMIT 5;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT run FROM weeks LIMIT 0;
\! test/emulator/ctl.py calls
-- but not where all are needed
\! test/emulator/ctl.py clear
SELECT run, treatment_overrides FROM weeks ORDER BY started_at LIMIT 2;
\! test/emulator/ctl.py calls

--
-- Runs that there are not
--
\! test/emulator/ctl.py clear
SELECT * FROM exposures WHERE run < 1;
SELECT * FROM exposures WHERE run <= 0;
SELECT * FROM exposures WHERE run > 2147483647;
SELECT * FROM exposures WHERE run >= 2147483648;
SELECT * FROM exposures WHERE run BETWEEN 5 AND 3;
SELECT * FROM exposures WHERE run = 1 AND run = 2;
SELECT * FROM exposures WHERE run IN (1, 2) AND run > 2;
SELECT * FROM exposures WHERE run IS NULL;
SELECT * FROM exposures WHERE application_id IS NULL;
SELECT * FROM exposures WHERE experiment_definition_id IS NULL;
SELECT * FROM exposures WHERE application_id = '';
SELECT * FROM exposures WHERE experiment_definition_id = '' AND application_id = 'shop4x1';
SELECT * FROM exposures WHERE application_id = NULL;
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND application_id = 'mobile6';
SELECT * FROM exposures WHERE application_id IN ('shop4x1', 'search8') AND application_id = 'mobile6';
SELECT * FROM exposures WHERE application_id = repeat('x', 2049);
SELECT * FROM exposures WHERE application_id = repeat(U&'\00FC', 2049) AND experiment_definition_id = 'addcrt1';
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND (run = 0 OR run < -5 OR application_id = '');
SELECT * FROM exposures WHERE run < NULL;
SELECT * FROM experiment_runs WHERE status IS NOT NULL AND run = -5;
\! test/emulator/ctl.py calls

-- unknown to the service
SELECT * FROM exposures WHERE application_id = 'nosuch1';
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND experiment_definition_id = 'nosuch1';
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 4;
SELECT * FROM exposures WHERE application_id = 'nosuch1' AND experiment_definition_id = 'addcrt1' AND run = 1;
SELECT * FROM exposures WHERE experiment_definition_id = 'nosuch1';
SELECT * FROM exposures WHERE application_id = repeat('x', 2048) AND experiment_definition_id = 'addcrt1';
SELECT * FROM exposures WHERE application_id = 'app120x' AND experiment_definition_id = 'norun00';
SELECT * FROM exposures WHERE application_id = 'SHOP4X1' AND experiment_definition_id = 'addcrt1';
SELECT * FROM exposures WHERE application_id = 'rwalwu7';

-- the service takes names for ids; a query's id is no name
SELECT * FROM exposures WHERE application_id = 'storefront';
SELECT * FROM exposures WHERE application_id = 'storefront' AND experiment_definition_id = 'addcrt1';
SELECT * FROM exposures WHERE application_id = 'storefront' AND experiment_definition_id = 'addcrt1' AND run = 1;
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND experiment_definition_id = 'add-to-cart-button';
SELECT * FROM exposures WHERE application_id = 'shop4x1' AND experiment_definition_id = 'add-to-cart-button' AND run = 1;
SELECT application_id, run FROM experiment_runs WHERE application_id = 'storefront' AND experiment_definition_id = 'addcrt1';
SELECT count(*) FROM experiment_runs WHERE application_id = 'storefront' AND experiment_definition_id = 'addcrt1';
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'add-to-cart-button';
-- but its name is one, exactly
SELECT run FROM experiment_runs WHERE application_name = 'storefront' AND experiment_definition_name = 'add-to-cart-button' ORDER BY run;
SELECT count(*) FROM experiment_runs WHERE application_name = 'shop4x1';
SELECT count(*) FROM experiment_runs WHERE application_name = 'Storefront';
SELECT count(*) FROM experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_name = 'addcrt1';

-- what would mean something else in a path, a query or a format
CREATE TABLE public.odd (id text);
INSERT INTO odd VALUES ('.'), ('..'), ('...'), ('/'), ('a/b'), ('../shop4x1'), ('shop4x1/'), ('a b'), (' '), ('%'), ('%2F'),
    ('%2e%2e'), ('?'), ('shop4x1?x=y'), ('#'), ('&'), ('a&application_identifier=shop4x1'), ('+'), ('"'), (''''), ('\'), ('%s%n'),
    (E'a\tb'), (E'a\r\nX-Header: b'), (E'\x01'), (U&'\+01F6D2'), (U&'\65E5\672C'), ('_'), ('~'), ('{}'), ('null');
SELECT count(*) AS odd, count(b.run) AS both, count(a.run) AS applications, count(d.run) AS definitions
FROM odd
LEFT JOIN LATERAL (SELECT run, exposure_percentage FROM exposures WHERE application_id = id AND experiment_definition_id = id AND run = 1) AS b ON true
LEFT JOIN LATERAL (SELECT run, exposure_percentage FROM exposures WHERE application_id = id AND experiment_definition_id = 'addcrt1') AS a ON true
LEFT JOIN LATERAL (SELECT run, exposure_percentage FROM exposures WHERE application_id = 'shop4x1' AND experiment_definition_id = id AND run = 1) AS d ON true;

--
-- Pushdown changes the calls, not the answers, nor does what is remembered
--
ALTER SERVER appconfig OPTIONS (SET cache_size '16MB', ADD cache_ttl '10min');
CREATE FUNCTION public.differences(predicates text[]) RETURNS TABLE (predicate text, differences bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH predicate IN ARRAY predicates LOOP
        EXECUTE format('WITH f AS MATERIALIZED (SELECT application_id, experiment_definition_id, run FROM experiment_runs WHERE %1$s),
                             l AS MATERIALIZED (SELECT application_id, experiment_definition_id, run FROM wanted WHERE %1$s)
                        SELECT count(*) FROM ((TABLE f EXCEPT ALL TABLE l) UNION ALL (TABLE l EXCEPT ALL TABLE f)) AS d',
                       predicate) INTO differences;
        IF differences <> 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
CREATE TABLE public.predicates (predicate text);
COPY public.predicates FROM stdin;
true
run = 1
run <> 1
NOT run = 1
run IN (1, 2) IS NOT TRUE
run IN (1, NULL)
run NOT IN (1, 2)
run NOT IN (1, NULL)
run <> ALL (ARRAY[1])
run < ANY (ARRAY[2, 3])
run > ALL (ARRAY[100, 101])
run = ALL (ARRAY[1, 1])
run > 118
118 < run
run >= 119 OR status = 'STOPPING'
status = 'DONE'
status IN ('DONE', 'STOPPING')
status <> 'DONE'
status = 'done'
status = ''
status IS NULL
status LIKE '%ING'
application_id = 'shop4x1'
application_id <> 'shop4x1'
application_id LIKE 'shop%'
application_id > 'quirks'
application_id IN ('shop4x1', 'mobile6', 'nosuch1') AND run < 3
application_id = 'shop4x1' AND run = 1
experiment_definition_id = 'addcrt1'
experiment_definition_id IN ('addcrt1', 'bsxyd7k') AND run = 1
application_name = 'storefront'
application_name IN ('storefront', 'test-application', 'Test-Application')
lower(application_name) = 'test-application'
application_id = 'shop4x1' AND application_name = 'mobile-backend'
application_id = 'shop4x1' AND application_name = 'storefront' AND run = 2
application_name IS NULL
experiment_definition_name = 'quirks'
experiment_definition_name = 'quirks' AND run = 4
experiment_definition_name = 'never-started'
experiment_definition_name IS NULL
environment_id = 'prod7e2'
environment_id = 'gone0ev'
environment_id IS NULL
configuration_profile_id = 'gone0pf'
started_at > '2026-08-01'
started_at IS NULL
ended_at IS NULL AND run < 110
ended_at - started_at > '20 days'
description = ''
description IS NULL
exposure_percentage = 12.5
exposure_percentage IS NULL
treatment_overrides ? 'user-ana'
treatment_overrides = '{}'
hypothesis = ''
result_executive_summary IS NULL AND application_id = 'quirks1'
region = 'us-east-1'
region = 'eu-west-1'
application_id = 'shop4x1' AND (run = 1 OR exposure_percentage = 33.3)
(application_id = 'shop4x1' AND run = 1) OR (application_id = 'search8')
(application_id = 'shop4x1' OR run = 2) AND (run = 1 OR application_id = 'app120x')
(application_id = 'shop4x1') IS NOT FALSE
(application_id = 'shop4x1') = (run = 1)
CASE WHEN run = 1 THEN status ELSE description END = 'DONE'
coalesce(ended_at, started_at) < '2025-01-01'
application_id COLLATE "C" = 'shop4x1'
application_id::varchar = 'shop4x1'
application_id::bpchar = 'shop4x1   '
application_id = 'shop4x1   '
run = length_of(application_id)
\.
CREATE FUNCTION public.length_of(text) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT length($1)';
SELECT * FROM differences(ARRAY(SELECT p.predicate FROM predicates AS p));
SET appconfig_fdw.enable_pushdown = off;
SELECT * FROM differences(ARRAY['true', 'run = 0', 'run IN (1, NULL)', 'application_name = ''storefront'' AND run < 3', 'status = ''STOPPING''']);
SELECT * FROM carts WHERE run = 1;
RESET appconfig_fdw.enable_pushdown;

DROP FUNCTION length_of, differences, exposure_of;
DROP TABLE predicates, odd, chosen, wanted, names, documents;
\i sql/teardown.psql
