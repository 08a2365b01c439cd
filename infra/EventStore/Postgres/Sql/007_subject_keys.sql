-- One key for each person whose data events hold. subject is a keyed hash of who it is, key is encrypted under the master key
-- whose fingerprint stands beside it: without the master key a row tells neither. Deleting the row erases the person.
create table subject_keys (
    id         bigint      generated always as identity primary key,
    tenant     text collate "C" not null,
    subject    bytea       not null,
    key        bytea       not null,
    master     text        not null,
    created_at timestamptz not null default clock_timestamp(),
    unique (tenant, subject)
);

-- Events at or before this position were appended before personal data was encrypted. Erasing a person looks through them.
create table plain_events as
select case when is_called then last_value else 0 end as last_position from event_positions;
