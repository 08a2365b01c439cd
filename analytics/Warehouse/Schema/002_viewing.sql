-- Raw viewing: player beacons and edge requests. k_topic, k_partition and k_offset name the record behind a row; stored_at minus
-- received_at is the latency from beacon to SQL. Low-cardinality columns come first in the key, time later.
CREATE TABLE IF NOT EXISTS es.beacons
(
    time                  DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    received_at           DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at             DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    session_id            String CODEC(ZSTD(1)),
    content_id            LowCardinality(String),
    version               UInt8,
    event                 LowCardinality(String),
    sequence              Nullable(Int64),
    state                 LowCardinality(String),
    bitrate_kbps          Nullable(Float64),
    playhead_bitrate_kbps Nullable(Float64),
    top_bitrate_kbps      Nullable(Float64),
    throughput_kbps       Nullable(Float64),
    buffer_ms             Nullable(Float64),
    buffer_starved        Bool,
    stall_ms              Nullable(Float64),
    stall_count_total     Nullable(Float64),
    stall_ms_total        Nullable(Float64),
    start_delay_ms        Nullable(Float64),
    playhead_ms           Nullable(Float64),
    playback_rate         Nullable(Float64),
    response_code         Nullable(Int32),
    ttfb_ms               Nullable(Float64),
    ttlb_ms               Nullable(Float64),
    url                   String CODEC(ZSTD(3)),
    hostname              LowCardinality(String),
    object_type           LowCardinality(String),
    stream_type           LowCardinality(String),
    stream_format         LowCardinality(String),
    object_duration_ms    Nullable(Float64),
    dropped_frames        Nullable(Int32),
    error_codes           Array(String),
    player                LowCardinality(String),
    region                LowCardinality(String),
    device                LowCardinality(String),
    edge                  LowCardinality(String),
    raw                   String CODEC(ZSTD(3)),
    event_id              String CODEC(ZSTD(1)),
    k_topic               LowCardinality(String),
    k_partition           UInt32,
    k_offset              UInt64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX ix_session session_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(received_at)
ORDER BY (content_id, event, toStartOfHour(time), session_id, time)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS es.requests
(
    time         DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at    DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    edge         LowCardinality(String),
    region       LowCardinality(String),
    session_id   String CODEC(ZSTD(1)),
    video_id     String CODEC(ZSTD(1)),
    rendition    LowCardinality(String),
    method       LowCardinality(String),
    path         String CODEC(ZSTD(3)),
    status       UInt16,
    bytes        UInt64 CODEC(T64, ZSTD(1)),
    duration_ms  Float64,
    upstream_ms  Nullable(Float64),
    cache_status LowCardinality(String),
    user_agent   String CODEC(ZSTD(3)),
    cmcd         String CODEC(ZSTD(3)),
    request_id   String CODEC(ZSTD(1)),
    event_id     String CODEC(ZSTD(1)),
    k_topic      LowCardinality(String),
    k_partition  UInt32,
    k_offset     UInt64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX ix_session session_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(time)
ORDER BY (edge, cache_status, status, time)
TTL toDateTime(time) + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;
