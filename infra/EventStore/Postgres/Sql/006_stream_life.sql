-- Archives (1) or restores (0) a stream. Returns the state it is in now, or null where there is no stream; a tombstoned one stays.
create function archive_stream(p_tenant text, p_stream text, p_state smallint) returns smallint
language plpgsql as $$
declare
    v_state smallint;
begin
    update streams s set state = p_state, updated_at = clock_timestamp()
    where s.tenant = p_tenant and s.id = p_stream and s.state <> 2 and s.state <> p_state;
    select s.state into v_state from streams s where s.tenant = p_tenant and s.id = p_stream;
    return v_state;
end
$$;

-- Removes what the events of a stream say and ends it for ever. Their rows stay, without name, data and metadata, so that no
-- version and no position is missing; one last event tells the readers. Returns its version and position, nulls where there is no
-- stream, and changes nothing the second time.
create function tombstone_stream(
    p_tenant text, p_stream text, p_id uuid, p_name text, p_data jsonb, p_metadata jsonb, p_erased text,
    out last_version bigint, out last_position bigint)
language plpgsql set enable_seqscan = off as $$
declare
    v_state smallint;
    v_first bigint;
begin
    select s.version, s.last_position, s.state, s.first_position into last_version, last_position, v_state, v_first
    from streams s where s.tenant = p_tenant and s.id = p_stream for update;
    if not found or v_state = 2 then
        return;
    end if;
    update events e set name = p_erased, data = '{}', metadata = '{}'
    where e.tenant = p_tenant and e.stream = p_stream and e.position between v_first and last_position;
    delete from snapshots s where s.tenant = p_tenant and s.stream = p_stream;
    last_version := last_version + 1;
    last_position := nextval('event_positions');
    update streams s set version = tombstone_stream.last_version, last_position = tombstone_stream.last_position, state = 2,
        updated_at = clock_timestamp()
    where s.tenant = p_tenant and s.id = p_stream;
    insert into events (position, tenant, stream, version, id, name, data, metadata)
    values (last_position, p_tenant, p_stream, last_version, p_id, p_name, p_data, p_metadata);
end
$$;

-- Folds kept beside the streams, one for each shape of state: never the truth, and free to be deleted.
create table snapshots (
    tenant   text collate "C" not null,
    stream   text collate "C" not null,
    shape    text             not null,
    version  bigint           not null,
    state    jsonb            not null,
    taken_at timestamptz      not null default clock_timestamp(),
    primary key (tenant, stream, shape)
);
