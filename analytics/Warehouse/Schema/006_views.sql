-- Questions people ask, by name. They may change at any time, hence OR REPLACE.

-- Every session as it stands: finished where it is finished, else as last heard of.
CREATE OR REPLACE VIEW es.viewer_sessions AS
SELECT
    session_id,
    max(finished) AS is_finished,
    argMax(status, rank) AS status,
    argMax(video_id, rank) AS video_id,
    argMax(edge, rank) AS edge,
    argMax(region, rank) AS region,
    argMax(device, rank) AS device,
    argMax(player, rank) AS player,
    min(started_at) AS started_at,
    max(until) AS last_heard_at,
    argMax(startup, rank).1 AS startup_ms,
    argMax(stall_count, rank) AS stall_count,
    argMax(stall_ms, rank) AS stall_ms,
    argMax(played_ms, rank) AS played_ms,
    argMax(watched_ms, rank) AS watched_ms,
    argMax(bitrate, rank).1 AS average_bitrate_kbps,
    argMax(switch_count, rank) AS switch_count,
    argMax(failure_count, rank) AS failure_count,
    argMax(failed, rank) AS failed,
    argMax(exited_before_start, rank) AS exited_before_start,
    argMax(beacons, rank) AS beacons
FROM
(
    SELECT session_id, true AS finished, end_reason AS status, video_id, edge, region, device, player, started_at,
        ended_at AS until, tuple(startup_ms) AS startup, stall_count, stall_ms, played_ms, watched_ms,
        tuple(average_bitrate_kbps) AS bitrate, switch_count, failure_count, failed, exited_before_start, beacons,
        (1, ended_at, k_offset) AS rank
    FROM es.sessions
    UNION ALL
    SELECT session_id, false, state, video_id, edge, region, device, player, started_at, last_heard_at, tuple(startup_ms),
        stall_count, stall_ms, played_ms, watched_ms, tuple(average_bitrate_kbps), switch_count, failure_count, failed,
        exited_before_start, beacons, (0, last_heard_at, k_offset)
    FROM es.session_updates
)
GROUP BY session_id;

-- Share of segment requests that an edge answered from its cache, by minute.
CREATE OR REPLACE VIEW es.edge_hit_ratio AS
SELECT
    toStartOfMinute(time) AS minute,
    edge,
    count() AS requests,
    countIf(cache_status = 'HIT') AS hits,
    hits / requests AS hit_ratio,
    sum(bytes) AS bytes,
    countIf(status >= 500) AS errors,
    quantile(0.95)(duration_ms) AS duration_ms_p95
FROM es.requests
WHERE cache_status != ''
GROUP BY minute, edge;

-- How long a beacon takes from the collector to being readable here, in milliseconds, by minute.
CREATE OR REPLACE VIEW es.beacon_latency AS
SELECT
    toStartOfMinute(received_at) AS minute,
    count() AS beacons,
    quantile(0.5)(date_diff('millisecond', received_at, stored_at)) AS p50_ms,
    quantile(0.99)(date_diff('millisecond', received_at, stored_at)) AS p99_ms,
    max(date_diff('millisecond', received_at, stored_at)) AS max_ms
FROM es.beacons
GROUP BY minute;

-- Ten-second windows of beacons, finished from their partial states.
CREATE OR REPLACE VIEW es.beacon_windows AS
SELECT
    window,
    content_id,
    edge,
    region,
    device,
    sum(r.beacons) AS beacons,
    sum(r.stall_ms) AS stall_ms,
    sum(r.starved) AS starved,
    sum(r.errors) AS errors,
    quantilesTDigestMerge(0.5, 0.95, 0.99)(r.startup_ms) AS startup_ms,
    avgMerge(r.bitrate) AS average_bitrate_kbps,
    uniqCombined64Merge(r.viewers) AS viewers
FROM es.beacons_10s AS r
GROUP BY window, content_id, edge, region, device;

-- The life of each video, step by step, with the seconds since it was registered.
CREATE OR REPLACE VIEW es.video_timeline AS
SELECT
    video_id,
    time,
    type,
    date_diff('millisecond', min(time) OVER (PARTITION BY video_id), time) / 1000 AS seconds_since_first,
    data
FROM es.domain_events
WHERE k_topic = 'video.events'
ORDER BY video_id, time, k_offset;
