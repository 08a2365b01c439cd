-- Beacons with the proof of their session. Those without are kept, and count in no figure; rows of before are among them.
ALTER TABLE es.beacons ADD COLUMN IF NOT EXISTS proven Bool DEFAULT false AFTER raw;

ALTER TABLE es.beacons_10s_mv MODIFY QUERY
SELECT
    toStartOfInterval(toDateTime(b.time, 'UTC'), INTERVAL 10 SECOND) AS window,
    content_id,
    edge,
    region,
    device,
    count() AS beacons,
    sum(ifNull(b.stall_ms, 0)) AS stall_ms,
    countIf(buffer_starved) AS starved,
    countIf(event = 'e' OR notEmpty(error_codes)) AS errors,
    max(ifNull(b.bitrate_kbps, 0)) AS top_kbps,
    quantilesTDigestStateIf(0.5, 0.95, 0.99)(ifNull(b.start_delay_ms, 0), isNotNull(b.start_delay_ms)) AS startup_ms,
    avgStateIf(ifNull(b.bitrate_kbps, 0), isNotNull(b.bitrate_kbps)) AS bitrate,
    quantilesTDigestStateIf(0.5, 0.05)(ifNull(b.throughput_kbps, 0), isNotNull(b.throughput_kbps)) AS throughput,
    uniqCombined64State(session_id) AS viewers
FROM es.beacons AS b
WHERE b.proven
GROUP BY window, content_id, edge, region, device;
