-- The most at one instant of the step, where it was measured; requests and bytes have none.
ALTER TABLE es.load ADD COLUMN IF NOT EXISTS peak Nullable(Float64) AFTER value;

-- What was last forecast of a step before it began, beside the largest load that was measured in it. Load is measured
-- in shorter steps than it is forecast; a step of which the end is not measured yet is left out.
CREATE OR REPLACE VIEW es.forecast_actual AS
SELECT
    f.resource AS resource,
    f.step_seconds AS step_seconds,
    f.time AS time,
    f.q50 AS q50,
    f.q90 AS q90,
    f.q95 AS q95,
    f.q99 AS q99,
    f.last_origin AS origin,
    a.actual AS actual
FROM
(
    SELECT
        p.resource AS resource,
        p.step_seconds AS step_seconds,
        p.time AS time,
        argMax(p.q50, p.origin) AS q50,
        argMax(p.q90, p.origin) AS q90,
        argMax(p.q95, p.origin) AS q95,
        argMax(p.q99, p.origin) AS q99,
        max(p.origin) AS last_origin
    FROM es.forecasts AS p
    WHERE p.origin <= p.time
    GROUP BY resource, step_seconds, time
) AS f
INNER JOIN
(
    SELECT
        l.resource AS resource,
        s.step_seconds AS step_seconds,
        toInt64(round(s.step_seconds * 1000)) AS step_ms,
        fromUnixTimestamp64Milli(intDiv(toUnixTimestamp64Milli(l.time), step_ms) * step_ms, 'UTC') AS start,
        max(coalesce(l.peak, l.value)) AS actual
    FROM es.load AS l
    INNER JOIN (SELECT DISTINCT resource, step_seconds FROM es.forecasts) AS s ON s.resource = l.resource
    GROUP BY resource, step_seconds, step_ms, start
    HAVING max(toUnixTimestamp64Milli(l.time) + toInt64(round(l.step_seconds * 1000)))
        >= toUnixTimestamp64Milli(start) + step_ms
) AS a ON a.resource = f.resource AND a.step_seconds = f.step_seconds AND a.start = f.time;
