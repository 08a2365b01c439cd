-- One key for each person whose data events hold. subject is a keyed hash of who it is; key is encrypted under the
-- master key with this fingerprint. Deleting the row erases the person.
create table subject_keys (
    id         bigint      generated always as identity primary key,
    subject    bytea       not null unique,
    key        bytea       not null,
    master     text        not null,
    created_at timestamptz not null default clock_timestamp()
);
