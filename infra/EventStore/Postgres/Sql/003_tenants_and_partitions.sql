-- Tenants, the life of a stream, and events partitioned by position (docs/decisions/0016). An existing store is carried over
-- where it lies: its table of events becomes the first partition, no row is copied.

-- Names compare as bytes: cheaper, and an index that no update of the C library can break.
alter table streams alter column id type text collate "C";
alter table streams
    add column tenant         text collate "C" not null default 'default',
    add column updated_at     timestamptz not null default clock_timestamp(),
    -- Between which positions the events of the stream lie, so that a read touches their partitions only.
    add column first_position bigint not null default 0,
    add column last_position  bigint not null default 0,
    -- 0 active, 1 archived, 2 tombstoned
    add column state          smallint not null default 0;
alter table streams drop constraint streams_pkey;
alter table streams add primary key (tenant, id);
-- Room on the page for the next version of the row, so that an append leaves the index alone (HOT).
alter table streams set (fillfactor = 70);

alter table events rename to events_first;
alter table events_first rename constraint events_pkey to events_first_pkey;
alter table events_first drop constraint events_stream_version;
alter table events_first drop constraint events_id;
alter table events_first alter column stream type text collate "C";
alter table events_first add column tenant text collate "C" not null default 'default';

update streams s
set first_position = e.first, last_position = e.last, created_at = least(s.created_at, e.since), updated_at = e.until
from (
    select stream, min(position) as first, max(position) as last, min(recorded_at) as since, max(recorded_at) as until
    from events_first group by stream) as e
where s.id = e.stream;

-- How many positions one partition spans, about 6 GB of events. It is fixed: partitions and the append function count in it.
create function events_per_partition() returns bigint immutable parallel safe language sql as 'select 8388608::bigint';

create table events (like events_first including defaults) partition by range (position);
alter table events add constraint events_pkey primary key (position);

-- The keys of a partition. Version and id are unique in the whole stream because its writers hold its row (append_events); the
-- constraints here keep a mistake from ever becoming history.
create function key_event_partition(p_name text) returns void language plpgsql as $$
begin
    execute format('alter table %I add constraint %I unique (tenant, stream, version)', p_name, p_name || '_stream_version');
    execute format('alter table %I add constraint %I unique (tenant, id)', p_name, p_name || '_id');
end
$$;

-- Makes the partition of the position that is drawn next and p_ahead more, where they are missing; returns how many it made.
-- Attaching locks out neither readers nor writers; one process at a time does it.
create function create_event_partitions(p_ahead int default 1) returns int language plpgsql as $$
declare
    size  bigint := events_per_partition();
    block bigint;
    name  text;
    made  int := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('partitions:' || current_schema(), 0));
    select case when is_called then last_value + 1 else last_value end / size into block from event_positions;
    for b in block .. block + least(p_ahead, 8) loop
        name := 'events_p' || lpad(b::text, 5, '0');
        continue when to_regclass(format('%I.%I', current_schema(), name)) is not null;
        execute format(
            'create table %I (like events including defaults, constraint %I primary key (position))', name, name || '_pkey');
        perform key_event_partition(name);
        execute format('alter table events attach partition %I for values from (%s) to (%s)', name, b * size, (b + 1) * size);
        made := made + 1;
    end loop;
    return made;
end
$$;

-- What was there is the partition of everything up to the block of the next position, and takes that block's name.
do $$
declare
    size  bigint := events_per_partition();
    block bigint;
    name  text;
begin
    select case when is_called then last_value + 1 else last_value end / size into block from event_positions;
    name := 'events_p' || lpad(block::text, 5, '0');
    execute format('alter table events_first rename to %I', name);
    execute format('alter table %I rename constraint events_first_pkey to %I', name, name || '_pkey');
    perform key_event_partition(name);
    execute format('alter table events attach partition %I for values from (minvalue) to (%s)', name, (block + 1) * size);
end
$$;

select create_event_partitions();
