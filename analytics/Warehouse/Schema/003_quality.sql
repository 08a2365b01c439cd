-- Quality as the stream topology computed it. Durations in milliseconds, bitrates in kbit/s.
CREATE TABLE IF NOT EXISTS es.qoe_windows
(
    window_start         DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    window_end           DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at            DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    video_id             String,
    edge                 LowCardinality(String),
    region               LowCardinality(String),
    device               LowCardinality(String),
    player               LowCardinality(String),
    sessions             Int64,
    starts               Int64,
    startup_ms_mean      Nullable(Float64),
    startup_ms_max       Nullable(Float64),
    stall_count          Int64,
    stall_ms             Float64,
    played_ms            Float64,
    average_bitrate_kbps Nullable(Float64),
    switch_count         Int64,
    failure_count        Int64,
    exits_before_start   Int64,
    requests             Int64,
    bytes                Int64,
    cache_hits           Int64,
    request_errors       Int64,
    event_id             String CODEC(ZSTD(1)),
    k_topic              LowCardinality(String),
    k_partition          UInt32,
    k_offset             UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (video_id, edge, region, device, window_start)
TTL toDateTime(window_start) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS es.sessions
(
    session_id           String CODEC(ZSTD(1)),
    started_at           DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ended_at             DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at            DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    end_reason           LowCardinality(String),
    video_id             String,
    edge                 LowCardinality(String),
    region               LowCardinality(String),
    device               LowCardinality(String),
    player               LowCardinality(String),
    startup_ms           Nullable(Float64),
    stall_count          Int64,
    stall_ms             Float64,
    played_ms            Float64,
    watched_ms           Float64,
    average_bitrate_kbps Nullable(Float64),
    switch_count         Int64,
    failure_count        Int64,
    failed               Bool,
    exited_before_start  Bool,
    beacons              Int64,
    event_id             String CODEC(ZSTD(1)),
    k_topic              LowCardinality(String),
    k_partition          UInt32,
    k_offset             UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (video_id, started_at, session_id)
TTL toDateTime(started_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- A session that goes on, each time that something was heard of it.
CREATE TABLE IF NOT EXISTS es.session_updates
(
    session_id           String CODEC(ZSTD(1)),
    started_at           DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    last_heard_at        DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at            DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    state                LowCardinality(String),
    video_id             String,
    edge                 LowCardinality(String),
    region               LowCardinality(String),
    device               LowCardinality(String),
    player               LowCardinality(String),
    startup_ms           Nullable(Float64),
    stall_count          Int64,
    stall_ms             Float64,
    played_ms            Float64,
    watched_ms           Float64,
    average_bitrate_kbps Nullable(Float64),
    switch_count         Int64,
    failure_count        Int64,
    failed               Bool,
    exited_before_start  Bool,
    beacons              Int64,
    event_id             String CODEC(ZSTD(1)),
    k_topic              LowCardinality(String),
    k_partition          UInt32,
    k_offset             UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(last_heard_at)
ORDER BY (session_id, last_heard_at)
TTL toDateTime(last_heard_at) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS es.alerts
(
    raised_at    DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    window_start DateTime64(3, 'UTC'),
    stored_at    DateTime64(3, 'UTC') DEFAULT now64(3),
    alert_id     String,
    rule         LowCardinality(String),
    dimension    String,
    value        Float64,
    threshold    Float64,
    event_id     String,
    k_topic      LowCardinality(String),
    k_partition  UInt32,
    k_offset     UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(raised_at)
ORDER BY (rule, raised_at)
TTL toDateTime(raised_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
