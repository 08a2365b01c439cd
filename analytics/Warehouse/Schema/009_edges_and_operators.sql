-- What of a finished session happened at each edge: one row an edge. es.sessions has the session as a whole. The edge is empty
-- where the player told none and no log names the session.
CREATE TABLE IF NOT EXISTS es.session_edges
(
    session_id     String CODEC(ZSTD(1)),
    started_at     DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ended_at       DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at      DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    video_id       String,
    device         LowCardinality(String),
    player         LowCardinality(String),
    edge           LowCardinality(String),
    region         LowCardinality(String),
    played_ms      Float64,
    stall_count    Int64,
    stall_ms       Float64,
    started        Bool,
    requests       Int64,
    bytes          Int64,
    request_errors Int64,
    event_id       String CODEC(ZSTD(1)),
    k_topic        LowCardinality(String),
    k_partition    UInt32,
    k_offset       UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (edge, started_at, session_id)
TTL toDateTime(started_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- What operators did by hand, with who and why. It is kept.
CREATE TABLE IF NOT EXISTS es.operator_actions
(
    time        DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at   DateTime64(3, 'UTC') DEFAULT now64(3),
    action      LowCardinality(String),
    target      LowCardinality(String),
    who         String,
    role        LowCardinality(String),
    reason      String,
    detail      String,
    event_id    String,
    k_topic     LowCardinality(String),
    k_partition UInt32,
    k_offset    UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (target, time)
SETTINGS non_replicated_deduplication_window = 10000;
