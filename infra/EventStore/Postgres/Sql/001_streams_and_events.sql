-- The row of a stream is the lock that its writers take; version is that of its last event.
create table streams (
    id         text        primary key,
    version    bigint      not null,
    created_at timestamptz not null default clock_timestamp()
);

-- Positions are drawn inside the append, after the lock: within a stream they grow with the version. Between streams they may
-- become visible out of order and may have gaps; HighWater says up to where it is safe to read.
create sequence event_positions as bigint cache 1;

create table events (
    position    bigint      not null primary key,
    stream      text        not null,
    version     bigint      not null,
    id          uuid        not null,
    name        text        not null,
    data        jsonb       not null,
    metadata    jsonb       not null,
    recorded_at timestamptz not null default clock_timestamp(),
    constraint events_stream_version unique (stream, version),
    constraint events_id unique (id)
);

-- Where each reader of the whole store is. The epoch grows with every new owner, so that one who lost its lock cannot move it.
create table checkpoints (
    reader     text        primary key,
    position   bigint      not null default 0,
    epoch      bigint      not null default 0,
    updated_at timestamptz not null default clock_timestamp()
);
