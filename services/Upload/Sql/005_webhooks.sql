-- Where a publisher wants to be called about its videos. The secret is encrypted under the publisher's key.
--   events:  wire names that are wanted; none wants all
--   state:   active, or disabled with its trouble
create table webhooks (
    id              uuid        primary key,
    publisher       text        not null,
    url             text        not null,
    events          text[]      not null,
    secret          text        not null,
    state           text        not null default 'active',
    trouble         text,
    created_at      timestamptz not null,
    -- The one sender that calls it, and until when it may without renewing.
    busy_until      timestamptz,
    idempotency_key text,
    request_hash    text
);
create index webhooks_publisher on webhooks (publisher);
create unique index webhooks_idempotency on webhooks (publisher, idempotency_key) where idempotency_key is not null;

-- The log of calls, each with what came of its last attempt. due_at is null once it has ended.
--   state:   waiting, delivered, failed
create table webhook_deliveries (
    id              uuid        primary key default gen_random_uuid(),
    webhook_id      uuid        not null references webhooks on delete cascade,
    event_id        text        not null,
    type            text        not null,
    video_id        uuid        not null,
    payload         text        not null,
    state           text        not null default 'waiting',
    attempts        int         not null default 0,
    created_at      timestamptz not null,
    due_at          timestamptz,
    attempted_at    timestamptz,
    status          int,
    trouble         text,
    unique (webhook_id, event_id)
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, due_at) where due_at is not null;
create index webhook_deliveries_age on webhook_deliveries (created_at);
