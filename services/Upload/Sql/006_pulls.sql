-- Files that the platform fetches itself from an address. The address is encrypted under the publisher's key: it may
-- carry a password. due_at is null once it has ended.
--   validator: what the server called the bytes when they were begun (ETag or Last-Modified); other bytes begin again
create table upload_pulls (
    video_id   uuid        primary key,
    publisher  text        not null,
    url        text        not null,
    validator  text,
    failures   int         not null default 0,
    trouble    text,
    created_at timestamptz not null,
    due_at     timestamptz,
    -- The one process that fetches it, and until when it may without renewing.
    busy_until timestamptz
);
create index upload_pulls_due on upload_pulls (due_at) where due_at is not null;
