--
-- What a warehouse has beside AppConfig: who was shown what, and what they did then.
-- The data are computed, so that they are the same everywhere and each time.
--

-- what AppConfig Agent logs
CREATE TABLE experiment_assignments (
    assigned_at timestamptz,
    region text,
    account_id text,
    application_id text,
    experiment_definition_id text,
    experiment_run_number text,
    treatment_key text,
    entity_id text
);

-- what the shop logs
CREATE TABLE events (
    entity_id text,
    occurred_at timestamptz,
    event_name text,
    value numeric
);

-- 32 well mixed bits of a number
CREATE FUNCTION pg_temp.mix(x bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$
    SELECT (c >> 16) # c
    FROM (SELECT (((b >> 16) # b) * 73244475) & 4294967295 AS c
          FROM (SELECT (((x >> 16) # x) * 73244475) & 4294967295 AS b) first) second
$$;

-- a fraction between 0 and 1, another one for each purpose
CREATE FUNCTION pg_temp.fraction(x bigint, purpose bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$ SELECT pg_temp.mix(x * 97 + purpose * 7919) / 4294967296.0::double precision $$;

-- Visitors of the shop while a run was on, more of them as exposure rose: run, number
-- of visitors, when it began, for how long, the rates of the arms.
CREATE TEMP TABLE visitors AS
WITH plan (run, visitors, started_at, duration, c, t1, t2) AS (
    VALUES (2, 24000, timestamptz '2026-07-06 08:00:01+00', interval '21 days', 0.080, 0.083, 0.089),
           (3, 18000, timestamptz '2026-08-03 08:00:01+00', interval '9 days', 0.081, 0.082, 0.091)
), visitor AS (
    SELECT p.*, n AS number, 100000 * p.run + n AS x FROM plan p, generate_series(1, p.visitors) n
), arm AS (
    SELECT v.*, CASE WHEN pg_temp.fraction(x, 1) < 0.5 THEN 'c'
                     WHEN pg_temp.fraction(x, 1) < 0.75 THEN 't1' ELSE 't2' END AS arm
    FROM visitor v
)
SELECT run, x, arm, format('user-%s-%s', run, to_char(number, 'FM00000')) AS entity_id,
       date_trunc('second', started_at + sqrt(pg_temp.fraction(x, 2)) * duration) AS first_seen,
       1 + pg_temp.mix(x * 97 + 23757) % 3 AS visits,
       pg_temp.fraction(x, 4) < CASE arm WHEN 'c' THEN c WHEN 't1' THEN t1 ELSE t2 END AS adds
FROM arm;

-- An entity has one record a visit, and an older agent wrote __t1__ for t1.
INSERT INTO experiment_assignments
SELECT first_seen + (visit - 1) * interval '7 hours', 'us-east-1', '111122223333', 'shop4x1', 'addcrt1', run::text,
       CASE WHEN x % 10 = 0 THEN format('__%s__', arm) ELSE arm END, entity_id
FROM visitors, generate_series(1, visits) visit
ORDER BY 1, x, visit;

-- Two colleagues were given a treatment by hand: they count for no arm.
INSERT INTO experiment_assignments
SELECT timestamptz '2026-08-06 12:00:00+00' + visit * interval '1 hour', 'us-east-1', '111122223333', 'shop4x1',
       'addcrt1', '3', variant, entity_id
FROM (VALUES ('user-ana', '__t2_override__'), ('user-dee', '__t1_override__')) colleague (entity_id, variant),
     generate_series(1, 40) visit;

-- Everybody looks, some add to the cart, and some had done so before they saw anything new.
INSERT INTO events
SELECT entity_id, first_seen + interval '2 seconds', 'page_view', NULL FROM visitors
UNION ALL
SELECT entity_id, first_seen + (30 + x % 600) * interval '1 second', 'add_to_cart', 5 + x % 95 FROM visitors WHERE adds
UNION ALL
SELECT entity_id, first_seen - (1 + x % 48) * interval '1 hour', 'add_to_cart', 5 + x % 95
FROM visitors WHERE pg_temp.fraction(x, 5) < 0.06
UNION ALL
SELECT entity_id, assigned_at + interval '1 minute', 'add_to_cart', 49
FROM experiment_assignments WHERE entity_id IN ('user-ana', 'user-dee');

CREATE INDEX ON events (entity_id, event_name);
ANALYZE experiment_assignments;
ANALYZE events;
