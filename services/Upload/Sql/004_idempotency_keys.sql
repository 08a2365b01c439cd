-- The Idempotency-Key of the request that made an upload, and a hash of what that request asked for: the same request
-- again finds its upload, and another one under the same key is refused.
alter table uploads add column idempotency_key text, add column request_hash text;
create unique index uploads_idempotency on uploads (publisher, idempotency_key) where idempotency_key is not null;
