-- What any replica needs to go on with an upload; how many bytes there are is asked of the media store.
--   state: open, completed, rejected, expired, terminated
create table uploads (
    video_id     uuid        primary key,
    publisher    text        not null,
    length_bytes bigint      not null,
    metadata     text        not null,
    sha256       text,
    state        text        not null default 'open',
    trace_parent text,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    -- The one request that writes, and until when it may without renewing.
    writer       uuid,
    writer_until timestamptz
);

create index uploads_open on uploads (publisher, expires_at) where state = 'open';
