-- Ten seconds of beacons a row, kept up by every insert; charts read this and never the raw table. The view's target has a
-- deduplication window of its own, without which a repeated batch would be counted twice here.
CREATE TABLE IF NOT EXISTS es.beacons_10s
(
    window     DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    content_id LowCardinality(String),
    edge       LowCardinality(String),
    region     LowCardinality(String),
    device     LowCardinality(String),
    beacons    SimpleAggregateFunction(sum, UInt64),
    stall_ms   SimpleAggregateFunction(sum, Float64),
    starved    SimpleAggregateFunction(sum, UInt64),
    errors     SimpleAggregateFunction(sum, UInt64),
    top_kbps   SimpleAggregateFunction(max, Float64),
    startup_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64),
    bitrate    AggregateFunction(avg, Float64),
    throughput AggregateFunction(quantilesTDigest(0.5, 0.05), Float64),
    viewers    AggregateFunction(uniqCombined64, String)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window)
ORDER BY (content_id, window, edge, region, device)
TTL window + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS es.beacons_10s_mv TO es.beacons_10s AS
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
GROUP BY window, content_id, edge, region, device;
