-- Everything lives in one database of our own: the embedded engine's default database is an overlay over its folder.
CREATE DATABASE IF NOT EXISTS es ENGINE = Atomic;

CREATE TABLE IF NOT EXISTS es.schema_versions
(
    version    UInt32,
    name       String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version;

-- What the sink is about to insert, written before it inserts: one row a partition, the latest kept. The rows of the highest
-- sequence are in doubt after a crash and are read and inserted again under the same deduplication tokens.
-- A row without topic is the claim of a sink that takes over.
CREATE TABLE IF NOT EXISTS es.sink_batches
(
    topic        String,
    k_partition  UInt32,
    first_offset UInt64,
    last_offset  UInt64,
    sequence     UInt64,
    writer       String,
    planned_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY (topic, k_partition);
