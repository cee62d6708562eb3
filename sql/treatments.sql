--
-- Treatments, their flag attributes, and overrides
--
\i sql/setup.psql
\set dump `"${PYTHON:-python3}" test/emulator/emulator.py --data standard --dump`
ALTER SERVER appconfig OPTIONS (DROP cache_size);

--
-- One run
--
\! test/emulator/ctl.py clear
SELECT run, treatment_key, is_control, ordinal, weight, description, enabled FROM treatments
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3 ORDER BY ordinal;
SELECT application_id, application_name, experiment_definition_id, experiment_definition_name, run, region, attribute_values FROM treatments
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3 AND treatment_key = 't2';
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT treatment_key, is_control, attribute_key, value_type, string_value, number_value, boolean_value, string_array, number_array, value
FROM attribute_values
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3 AND treatment_key = 't2' ORDER BY attribute_key;
\! test/emulator/ctl.py calls
\! test/emulator/ctl.py clear
SELECT * FROM treatment_overrides
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2, 3) ORDER BY run, entity_id;
\! test/emulator/ctl.py calls

--
-- The whole account against the documents that the emulator holds
--
CREATE TABLE public.documents AS
SELECT d ->> 'ApplicationId' AS application_id, d ->> 'ExperimentDefinitionId' AS experiment_definition_id, (d ->> 'Run')::integer AS run, d
FROM jsonb_array_elements(:'dump'::jsonb -> 'experiment_runs') AS d;
CREATE VIEW public.wanted_treatments AS
SELECT application_id, experiment_definition_id, run, t ->> 'Key' AS treatment_key, ordinal = 0 AS is_control, ordinal,
       (t ->> 'Weight')::double precision AS weight, t ->> 'Description' AS description,
       (t -> 'FlagValue' ->> 'Enabled')::boolean AS enabled, t -> 'FlagValue' -> 'AttributeValues' AS attribute_values
FROM documents,
     LATERAL (SELECT 0 AS ordinal, d #> '{ExperimentDefinitionSnapshot,Control}' AS t WHERE d #> '{ExperimentDefinitionSnapshot,Control}' IS NOT NULL
              UNION ALL
              SELECT ordinality::integer, t FROM jsonb_array_elements(d #> '{ExperimentDefinitionSnapshot,Treatments}') WITH ORDINALITY AS t(t, ordinality)) AS x;
CREATE TABLE public.got_treatments AS
SELECT application_id, experiment_definition_id, run, treatment_key, is_control, ordinal, weight, description, enabled, attribute_values
FROM treatments;
SELECT count(*) FROM wanted_treatments;
SELECT 'missing' AS what, x FROM (SELECT w::text FROM wanted_treatments AS w EXCEPT ALL SELECT g::text FROM got_treatments AS g) AS x(x)
UNION ALL
SELECT 'extra', x FROM (SELECT g::text FROM got_treatments AS g EXCEPT ALL SELECT w::text FROM wanted_treatments AS w) AS x(x);

CREATE VIEW public.wanted_values AS
SELECT application_id, experiment_definition_id, run, treatment_key, is_control, key AS attribute_key,
       CASE member WHEN 'StringValue' THEN 'string' WHEN 'NumberValue' THEN 'number' WHEN 'BooleanValue' THEN 'boolean'
                   WHEN 'StringArray' THEN 'string_array' WHEN 'NumberArray' THEN 'number_array' ELSE member END AS value_type,
       CASE member WHEN 'StringValue' THEN bare #>> '{}' END AS string_value,
       CASE member WHEN 'NumberValue' THEN (bare #>> '{}')::double precision END AS number_value,
       CASE member WHEN 'BooleanValue' THEN (bare #>> '{}')::boolean END AS boolean_value,
       CASE member WHEN 'StringArray' THEN ARRAY(SELECT jsonb_array_elements_text(bare)) END AS string_array,
       CASE member WHEN 'NumberArray' THEN ARRAY(SELECT n::double precision FROM jsonb_array_elements_text(bare) AS n) END AS number_array,
       bare AS value
FROM wanted_treatments, LATERAL jsonb_each(attribute_values) AS v(key, u), LATERAL jsonb_each(u) AS e(member, bare);
CREATE TABLE public.got_values AS
SELECT application_id, experiment_definition_id, run, treatment_key, is_control, attribute_key, value_type, string_value,
       number_value, boolean_value, string_array, number_array, value
FROM attribute_values;
SELECT count(*), count(DISTINCT value_type) FROM wanted_values;
-- jsonb has no negative zero: those two are looked at below
SELECT 'missing' AS what, x FROM (SELECT replace(w::text, '-0', '0') FROM wanted_values AS w EXCEPT ALL SELECT replace(g::text, '-0', '0') FROM got_values AS g) AS x(x)
UNION ALL
SELECT 'extra', x FROM (SELECT replace(g::text, '-0', '0') FROM got_values AS g EXCEPT ALL SELECT replace(w::text, '-0', '0') FROM wanted_values AS w) AS x(x);

CREATE TABLE public.got_overrides AS
SELECT application_id, experiment_definition_id, run, entity_id, treatment_key FROM treatment_overrides;
SELECT count(*) FROM got_overrides;
SELECT count(*) AS differing
FROM (SELECT application_id, experiment_definition_id, run, key, value FROM documents, jsonb_each_text(d -> 'TreatmentOverrides' -> 'Inline')) AS w
FULL JOIN got_overrides AS g
    ON (w.application_id, w.experiment_definition_id, w.run, w.key) = (g.application_id, g.experiment_definition_id, g.run, g.entity_id)
WHERE w.value IS DISTINCT FROM g.treatment_key;

--
-- Oddities, by run
--
CREATE VIEW public.odd AS
SELECT run, treatment_key, is_control, ordinal, weight, description, enabled, attribute_values FROM treatments
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1';
CREATE VIEW public.odd_values AS
SELECT run, treatment_key, attribute_key, value_type, string_value, number_value, boolean_value, string_array, number_array, value FROM attribute_values
WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1';
-- union members that nobody knows: the other value beside it is there
SELECT * FROM odd_values WHERE run IN (1, 18) ORDER BY run, attribute_key;
-- overrides of an unknown kind are none, and so are empty ones
SELECT entity_id FROM treatment_overrides WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run IN (2, 10);
SELECT count(*), count(DISTINCT entity_id), count(*) FILTER (WHERE treatment_key = 'c') AS control
FROM treatment_overrides WHERE application_id = 'quirks1' AND experiment_definition_id = 'quirkd1' AND run = 14;
-- empty strings, no snapshot, no key
SELECT * FROM odd WHERE run IN (3, 4, 5) ORDER BY run, ordinal;
SELECT run, attribute_key, value_type, string_value, value FROM odd_values WHERE run = 3;
-- 25 attributes
SELECT count(*), min(attribute_key), max(attribute_key), bool_and(number_value = substr(attribute_key, 2)::integer) AS as_expected FROM odd_values WHERE run = 6;
-- five treatments
SELECT treatment_key, is_control, ordinal, weight FROM odd WHERE run = 7 ORDER BY ordinal;
-- numbers, at and beyond the limits of a double
SELECT attribute_key, number_value, CASE WHEN length(value::text) < 25 THEN value END AS value, length(value::text) AS length
FROM odd_values WHERE run = 8 ORDER BY length(attribute_key), attribute_key;
SELECT number_array, value::text = '[1' || repeat('0', 300) || ', 0.0, 0.1, 12345678901234567890, 9007199254740993]' AS value FROM odd_values WHERE run = 9;
-- empty arrays and maps
SELECT treatment_key, attribute_values FROM odd WHERE run = 10 ORDER BY ordinal;
SELECT treatment_key, attribute_key, value_type, string_array, number_array, value FROM odd_values WHERE run = 10 ORDER BY attribute_key;
-- any character
SELECT attribute_key, string_value = U&'\+01D518\+01D52B\+01D526\+01D520\+01D52C\+01D521\+01D522 \0001\007F\0009\000D\000A" \\ / {braces} , NULL' AS string_value,
       string_array = ARRAY['', 'a,b', '{x}', '"q"', E'back\\slash', 'NULL', 'null', U&'\65E5\672C', U&'\+01F389'] AS string_array
FROM odd_values WHERE run = 11 ORDER BY attribute_key;
-- no treatments, no control
SELECT run, treatment_key, is_control, ordinal FROM odd WHERE run IN (12, 13) ORDER BY run;

--
-- Answers that stretch the model
--
CREATE VIEW public.bent AS
SELECT treatment_key, is_control, ordinal, weight, description, enabled, attribute_values FROM treatments
WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
CREATE VIEW public.bent_values AS
SELECT treatment_key, attribute_key, value_type, string_value, number_value, boolean_value, string_array, number_array, value FROM attribute_values
WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
-- null is absent, on every level
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Control":null,"Treatments":[{"Key":null,"Weight":null,"FlagValue":null},null,{"Key":"t3","FlagValue":{"Enabled":null,"AttributeValues":null}},{"Key":"t4","FlagValue":{"AttributeValues":{"a":null,"b":{},"c":{"StringValue":null,"NumberValue":2},"d":{"StringArray":["x",null]},"e":{"NumberArray":[null,1]},"f":{"Other":null}}}}]}}'
SELECT * FROM bent ORDER BY ordinal;
SELECT * FROM bent_values ORDER BY attribute_key;
-- keys of any kind; the order is that of the list
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Treatments":[{"Key":"t2"},{"Key":"t1"},{"Key":""},{"Key":"t1"}],"Control":{"Key":"control"}},"TreatmentOverrides":{"Inline":{"b":"t1","a":"","":"t2","c":null}}}'
SELECT * FROM bent ORDER BY ordinal;
SELECT entity_id, treatment_key FROM treatment_overrides
WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1 ORDER BY entity_id COLLATE "C";
-- integers beyond 2^63 and 2^64, exponents
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Control":{"Weight":1e2,"FlagValue":{"Enabled":true,"AttributeValues":{"a":{"NumberValue":9223372036854775807},"b":{"NumberValue":9223372036854775808},"c":{"NumberValue":18446744073709551615},"d":{"NumberValue":18446744073709551616},"e":{"NumberValue":-9223372036854775809},"f":{"NumberValue":123456789012345678901234567890},"g":{"NumberValue":1E+2},"h":{"NumberValue":1.50e-3},"i":{"NumberValue":-0},"j":{"NumberValue":-0.0},"k":{"NumberValue":0.30000000000000004},"l":{"NumberArray":[-0,1e2,18446744073709551616]}}}}}}'
SELECT attribute_key, number_value, number_array, value FROM bent_values ORDER BY attribute_key;
SELECT weight FROM bent;
-- members of another type: an error that says where
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Control":{"Weight":"heavy","FlagValue":{"Enabled":"perhaps","AttributeValues":{"a":{"NumberValue":"one"},"b":{"BooleanValue":"perhaps"},"c":{"NumberArray":["x"]},"d":{"StringValue":7},"e":{"StringArray":"x"},"f":{"Other":false}}}}}}'
SELECT weight FROM bent; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT enabled FROM bent; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT ordinal, treatment_key, is_control FROM bent;
SELECT attribute_key, value_type, value FROM bent_values ORDER BY attribute_key COLLATE "C";
SELECT number_value FROM bent_values WHERE attribute_key = 'a'; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT number_array FROM bent_values; -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT string_array FROM bent_values; -- ERROR
\echo :LAST_ERROR_SQLSTATE
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Control":{"FlagValue":{"AttributeValues":{"f":{"NumberValue":1e400}}}}}}'
SELECT value_type, length(value::text) FROM bent_values;
SELECT number_value FROM bent_values; -- ERROR
\echo :LAST_ERROR_SQLSTATE
-- a list where there should be a map has no members, and the other way round
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Control":[],"Treatments":{"a":1}},"TreatmentOverrides":{"Inline":["a"]}}'
SELECT * FROM bent_values;
SELECT entity_id FROM treatment_overrides WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1;
-- the snapshot tells the keys of its run, the definition those of today
\! test/emulator/ctl.py put-run 339ohji bsxyd7k 1 '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"ExperimentDefinitionSnapshot":{"Treatments":[{"Key":"t9","Weight":1}]}}'
SELECT 'run' AS of, treatment_key, weight FROM bent
UNION ALL
SELECT 'definition', treatment_key, weight FROM definition_treatments WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k'
ORDER BY 1 DESC, 2;

--
-- The definition as it stands now
--
SELECT application_name, experiment_definition_name, treatment_key, is_control, ordinal, weight, enabled, attribute_values -> 'size' AS size, region
FROM definition_treatments WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' ORDER BY ordinal;
SELECT treatment_key, attribute_key, value_type, value FROM definition_attribute_values WHERE application_id = 'search8' ORDER BY 1, 2;

--
-- Nothing is asked for that cannot be
--
\! test/emulator/ctl.py clear
SELECT count(*) FROM treatments WHERE run = 0;
SELECT count(*) FROM attribute_values WHERE application_id = '';
SELECT count(*) FROM treatment_overrides WHERE experiment_definition_id IS NULL;
SELECT count(*) FROM definition_treatments WHERE application_id = 'a' AND application_id = 'b';
\! test/emulator/ctl.py calls
SELECT count(*) FROM treatments WHERE application_id = 'nosuch1';
SELECT count(*) FROM definition_attribute_values WHERE application_id = 'shop4x1' AND experiment_definition_id = 'nosuch1';
SELECT count(*) FROM definition_treatments WHERE application_id = 'shop4x1' AND experiment_definition_id = 'add-to-cart-button';
SET appconfig_fdw.enable_pushdown = off;
SELECT treatment_key, ordinal FROM treatments
WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run = 3 ORDER BY ordinal;
RESET appconfig_fdw.enable_pushdown;

SET client_min_messages = warning;
DROP TABLE got_overrides, got_values, got_treatments, documents CASCADE;
\i sql/teardown.psql
