-- What any replica needs to go on with an upload; how many bytes there are is asked of the media store.
--   state:    open, completed, rejected, expired, terminated, joined (a part that a final upload has taken)
--   kind:     video, partial (one part, no video), final (a video joined from parts)
--   parts:    what a final upload is joined from, in order
--   final_id: the final upload that has taken a part
create table uploads (
    video_id     uuid        primary key,
    publisher    text        not null,
    length_bytes bigint,
    metadata     text        not null,
    sha256       text,
    state        text        not null default 'open',
    trace_parent text,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    -- The one request that writes, and until when it may without renewing.
    writer       uuid,
    writer_until timestamptz,
    kind         text        not null default 'video',
    parts        uuid[],
    final_id     uuid
);

-- What a publisher's quota counts.
create index uploads_held on uploads (publisher) include (length_bytes) where state in ('open', 'completed');
-- What the sweeper looks through.
create index uploads_unsettled on uploads (video_id)
    where state = 'open' or (kind = 'partial' and state = 'completed');
