-- What the platform did: events of videos and encoding, load, forecasts, decisions, and records that nobody could read.
CREATE TABLE IF NOT EXISTS es.domain_events
(
    video_id    String,
    type        LowCardinality(String),
    time        DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at   DateTime64(3, 'UTC') DEFAULT now64(3),
    data        JSON,
    event_id    String,
    k_topic     LowCardinality(String),
    k_partition UInt32,
    k_offset    UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (video_id, time, k_topic, k_partition, k_offset)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS es.load
(
    resource     LowCardinality(String),
    time         DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at    DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    step_seconds Float64,
    value        Float64 CODEC(Gorilla, ZSTD(1)),
    unit         LowCardinality(String),
    event_id     String CODEC(ZSTD(1)),
    k_topic      LowCardinality(String),
    k_partition  UInt32,
    k_offset     UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (resource, time)
TTL toDateTime(time) + INTERVAL 730 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- One row a step of a forecast; time is the step's start, origin the end of what was known.
CREATE TABLE IF NOT EXISTS es.forecasts
(
    resource      LowCardinality(String),
    origin        DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    time          DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at     DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(DoubleDelta, ZSTD(1)),
    step          UInt32,
    step_seconds  Float64,
    model         LowCardinality(String),
    history_steps UInt32,
    weights       Map(String, Float64),
    q50           Float64 CODEC(Gorilla, ZSTD(1)),
    q90           Float64 CODEC(Gorilla, ZSTD(1)),
    q95           Float64 CODEC(Gorilla, ZSTD(1)),
    q99           Float64 CODEC(Gorilla, ZSTD(1)),
    event_id      String CODEC(ZSTD(1)),
    k_topic       LowCardinality(String),
    k_partition   UInt32,
    k_offset      UInt64 CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (resource, time, origin)
TTL toDateTime(time) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS es.decisions
(
    kind             LowCardinality(String),
    time             DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    stored_at        DateTime64(3, 'UTC') DEFAULT now64(3),
    target           LowCardinality(String),
    rule             LowCardinality(String),
    reason           String,
    resource         LowCardinality(String),
    current_replicas Nullable(Int32),
    desired_replicas Nullable(Int32),
    last_load        Nullable(Float64),
    forecast_load    Nullable(Float64),
    applied          Nullable(Bool),
    error            Nullable(String),
    pathway_priority Array(String),
    health           Map(String, Float64),
    event_id         String,
    k_topic          LowCardinality(String),
    k_partition      UInt32,
    k_offset         UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (kind, target, time)
TTL toDateTime(time) + INTERVAL 730 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- k_* is where the letter was found: the topic dead.letters, or the very record that the sink itself could not read.
CREATE TABLE IF NOT EXISTS es.dead_letters
(
    time             DateTime64(3, 'UTC'),
    stored_at        DateTime64(3, 'UTC') DEFAULT now64(3),
    source_topic     LowCardinality(String),
    source_partition UInt32,
    source_offset    Int64,
    consumer_group   LowCardinality(String),
    type             String,
    cause            String,
    key_base64       String,
    value_base64     String CODEC(ZSTD(3)),
    event_id         String,
    k_topic          LowCardinality(String),
    k_partition      UInt32,
    k_offset         UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (source_topic, time)
SETTINGS non_replicated_deduplication_window = 10000;
