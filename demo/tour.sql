--
-- What the tables are good for, from a look around to an experiment's result
--
\set ECHO queries
\pset null -
\pset footer off

\echo
\echo '=== The runs of all experiments of an application'
\echo

SELECT experiment_definition_name, run, status, exposure_percentage AS exposure, started_at, ended_at,
       result_executive_summary
FROM appconfig.experiment_runs
WHERE application_name = 'storefront'
ORDER BY started_at;

\echo
\echo '=== What the arms of one run get, flattened'
\echo

SELECT t.treatment_key AS arm, t.weight, t.enabled, a.attribute_key, a.value_type, a.value
FROM appconfig.treatments t
LEFT JOIN appconfig.attribute_values a
    USING (application_id, experiment_definition_id, run, treatment_key)
WHERE t.application_id = 'shop4x1' AND t.experiment_definition_id = 'addcrt1' AND t.run = 2
ORDER BY t.ordinal, a.attribute_key;

\echo
\echo '=== The result: first exposure of each entity, conversion after it, against the control'
\echo

\ir readout.sql

SELECT * FROM add_to_cart_readout;

\echo
\echo '=== What that asked of AWS AppConfig: one call for each run, its answer shared by both tables'
\echo
\pset tuples_only on
\pset format unaligned

EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT * FROM add_to_cart_readout
\g | sed -nE 's/^ *(-> +)?(Foreign Scan|Operations|Keys|Calls|Cache Hits|Received)/\2/p'
