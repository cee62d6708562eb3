--
-- appconfig_treatment_key: from the agent's variants to treatment keys
--
CREATE EXTENSION appconfig_fdw;
\pset null <null>

SELECT variant, appconfig_treatment_key(variant)
FROM unnest(ARRAY[
    -- what the agent says
    '__c__', '__t1__', '__t12__', '__c_override__', '__t1_override__',
    -- no treatment
    '__default__', '__default_override__',
    -- keys stay
    'c', 't1', 'default', 'override', 'T1',
    -- what only looks like a variant stays, too
    '', '_', '__', '___', '____', '_____', '_x_', '__x', 'x__', '__x_', '_x__',
    '___x__', '__x___', '__t1_other__', '___override__', '____override__',
    '__t 1__', ' __t1__', '__t1__ ', E'__t1__\n', '__t-1__',
    -- odd, but a key between underscores
    '__override__', '__1__', '__abcdefghijkl__',
    '__override_override__', '__defaults__', '__Default__', NULL
]) AS variant;

-- a value longer than what is stored in line
SELECT length(appconfig_treatment_key(repeat('x', 100000))),
       length(appconfig_treatment_key('__' || repeat('x', 100000) || '__'));

-- varchar, name and domains come as text
CREATE DOMAIN variant AS varchar(20);
SELECT appconfig_treatment_key('__t1__'::variant), appconfig_treatment_key('__c__'::name);

-- usable in an index
CREATE TABLE exposures (variant text);
CREATE INDEX ON exposures (appconfig_treatment_key(variant));
SELECT provolatile, proisstrict, proparallel
FROM pg_proc WHERE proname = 'appconfig_treatment_key';

DROP TABLE exposures;
DROP DOMAIN variant;
DROP EXTENSION appconfig_fdw;
