CREATE VIEW add_to_cart_readout AS
WITH exposure AS (      -- the first one of each entity in each run
    SELECT DISTINCT ON (application_id, experiment_definition_id, experiment_run_number, entity_id)
           application_id, experiment_definition_id, experiment_run_number::int AS run, entity_id,
           appconfig_treatment_key(treatment_key) AS treatment_key, assigned_at
    FROM experiment_assignments
    ORDER BY application_id, experiment_definition_id, experiment_run_number, entity_id, assigned_at
), outcome AS (         -- while the run was on, without overridden entities: did they add to the cart?
    SELECT application_id, experiment_definition_id, run, e.treatment_key,
           count(*) AS entities,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM events v
               WHERE v.entity_id = e.entity_id AND v.event_name = 'add_to_cart'
                 AND v.occurred_at >= e.assigned_at)) AS conversions
    FROM appconfig.experiment_runs r
    JOIN exposure e USING (application_id, experiment_definition_id, run)
    WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (2, 3)
      AND e.assigned_at >= r.started_at AND e.assigned_at < coalesce(r.ended_at, 'infinity')
      AND NOT coalesce(r.treatment_overrides ? e.entity_id, false)
    GROUP BY application_id, experiment_definition_id, run, e.treatment_key
), arm AS (
    SELECT t.run, t.ordinal, t.treatment_key, t.is_control, t.description,
           coalesce(o.entities, 0) AS entities, coalesce(o.conversions, 0) AS conversions,
           t.weight / sum(t.weight) OVER run AS expected_share,
           o.entities / sum(o.entities) OVER run AS share,
           o.conversions::numeric / o.entities AS rate,
           first_value(o.conversions::numeric / o.entities) OVER (run ORDER BY t.ordinal) AS control_rate
    FROM appconfig.treatments t
    LEFT JOIN outcome o USING (application_id, experiment_definition_id, run, treatment_key)
    WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (2, 3)
    WINDOW run AS (PARTITION BY application_id, experiment_definition_id, run)
)
SELECT run, treatment_key AS arm, description AS "what was shown", entities,
       round(100 * expected_share::numeric, 1) AS "expected %",
       round(100 * share, 1) AS "actual %",
       conversions,
       round(100 * rate, 2) AS "rate %",
       CASE WHEN NOT is_control THEN to_char(100 * (rate / control_rate - 1), 'FMSG990.0') END AS "lift %"
FROM arm
ORDER BY run, ordinal;
