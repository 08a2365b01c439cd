drop function append_events(text, bigint, uuid[], text[], jsonb[], jsonb);

-- How many of the ids a stream has between two positions, and where the last of them is: a repeated append answers as the first
-- did.
create function find_appended(
    p_tenant text, p_stream text, p_first bigint, p_last bigint, p_ids uuid[],
    out matches bigint, out last_version bigint, out last_position bigint)
language plpgsql stable set enable_seqscan = off as $$
begin
    select count(*), max(e.version), max(e.position) into matches, last_version, last_position
    from events e
    where e.tenant = p_tenant and e.id = any (p_ids) and e.stream = p_stream and e.position between p_first and p_last;
end
$$;

-- Appends to one or many streams in one round trip. Of each stream the expected version is checked, under its lock, before
-- anything is numbered. Streams come in one order from every caller, so that two appends never wait for each other.
-- A plan that was made while a table was small is kept while it grows, so that scanning it must not look cheap.
--   p_expected: a version, 0 for no stream, -1 for exists, -2 for any
--   p_counts:   how many of p_ids, p_names and p_data belong to each stream, in order
--   p_whole:    all or nothing: the first refusal is raised, with SQLSTATE ES001 ... ES004 for its outcome and the number of the
--               append and the actual version as message. Otherwise a refusal is the outcome of its append alone.
--   outcomes:   0 appended; -1 every id is in the stream already, whatever was expected; 1 another version than expected, which
--               versions tells; 2 some of the ids belong to other events; 3 archived; 4 tombstoned
--   versions, positions: of the last event of each stream; drawn: the position of every event, null where it was not appended
create function append_events(
    p_tenants text[], p_streams text[], p_expected bigint[], p_metadata jsonb[], p_counts int[],
    p_ids uuid[], p_names text[], p_data jsonb[], p_whole boolean,
    out outcomes int[], out versions bigint[], out positions bigint[], out times timestamptz[], out drawn bigint[])
language plpgsql set enable_seqscan = off as $$
declare
    v_size     bigint := events_per_partition();
    v_now      timestamptz;
    v_xact     xid8;
    v_before   int := 0;
    v_appended int := 0;
    v_numbers  bigint[] := array_fill(null::bigint, array[cardinality(p_ids)]);
    v_owners   int[] := array_fill(null::int, array[cardinality(p_ids)]);
    v_count    int;
    v_want     bigint;
    v_exists   boolean;
    v_version  bigint;
    v_state    smallint;
    v_first    bigint;
    v_last     bigint;
    v_outcome  int;
    v_known    record;
begin
    drawn := v_numbers;
    for i in 1 .. cardinality(p_streams) loop
        v_count := p_counts[i];
        v_want := p_expected[i];
        loop
            select s.version, s.state, s.first_position, s.last_position, greatest(s.updated_at, clock_timestamp())
            into v_version, v_state, v_first, v_last, v_now
            from streams s where s.tenant = p_tenants[i] and s.id = p_streams[i] for update;
            v_exists := found;
            v_version := coalesce(v_version, 0);
            -- Within a stream time never runs backwards, whatever the clock does: a state as of a time is a state that was.
            v_now := coalesce(v_now, clock_timestamp());
            v_outcome := case when v_state > 0 then v_state + 2
                when v_want = v_version or v_want = -2 or (v_want = -1 and v_exists) then 0 else 1 end;
            if v_outcome = 1 and v_exists then
                select * into v_known
                from find_appended(
                    p_tenants[i], p_streams[i], v_first, v_last, p_ids[v_before + 1 : v_before + v_count]);
                v_outcome := case v_known.matches when v_count then -1 when 0 then 1 else 2 end;
            end if;
            exit when v_outcome <> 0;

            -- The transaction has its id before it draws positions: HighWater relies on that order.
            v_xact := pg_current_xact_id();
            for n in 1 .. v_count loop
                v_last := nextval('event_positions');
                drawn[v_before + n] := v_last;
                v_numbers[v_before + n] := v_version + n;
                v_owners[v_before + n] := i;
            end loop;
            v_version := v_version + v_count;

            if not v_exists then
                insert into streams (tenant, id, version, created_at, updated_at, first_position, last_position)
                values (p_tenants[i], p_streams[i], v_version, v_now, v_now, drawn[v_before + 1], v_last)
                on conflict do nothing;
                exit when found;
                -- Another writer made the stream while this one waited: look again.
                continue;
            end if;

            -- The keys of the newest partition refuse an id that is in it. A stream that reaches into older ones is asked.
            if v_first / v_size <> v_last / v_size then
                select * into v_known
                from find_appended(
                    p_tenants[i], p_streams[i], v_first, v_last, p_ids[v_before + 1 : v_before + v_count]);
                v_outcome := case v_known.matches when v_count then -1 when 0 then 0 else 2 end;
                exit when v_outcome <> 0;
            end if;
            update streams s set version = v_version, updated_at = v_now, last_position = v_last
            where s.tenant = p_tenants[i] and s.id = p_streams[i];
            exit;
        end loop;

        if v_outcome = 0 then
            v_appended := v_appended + v_count;
        else
            -- Numbers that were drawn and are not used are left out below.
            for n in 1 .. v_count loop
                drawn[v_before + n] := null;
            end loop;
            if v_outcome = -1 then
                v_version := v_known.last_version;
                v_last := v_known.last_position;
            elsif p_whole then
                raise exception using errcode = 'ES00' || v_outcome, message = i || ' ' || v_version;
            end if;
        end if;
        outcomes[i] := v_outcome;
        versions[i] := v_version;
        times[i] := v_now;
        positions[i] := v_last;
        v_before := v_before + v_count;
    end loop;

    if v_appended = 1 and v_before = 1 then
        insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
        values (drawn[1], p_tenants[1], p_streams[1], v_version, p_ids[1], p_names[1], p_data[1], p_metadata[1], v_now);
    elsif v_appended = v_before and cardinality(p_streams) = 1 then
        insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
        select e.position, p_tenants[1], p_streams[1], v_version - v_count + e.number, e.id, e.name, e.data, p_metadata[1], v_now
        from unnest(drawn, p_ids, p_names, p_data) with ordinality as e (position, id, name, data, number);
    elsif v_appended > 0 then
        insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
        select e.position, p_tenants[e.owner], p_streams[e.owner], e.version, e.id, e.name, e.data, p_metadata[e.owner],
            times[e.owner]
        from unnest(drawn, v_numbers, v_owners, p_ids, p_names, p_data)
            as e (position, version, owner, id, name, data)
        where e.position is not null;
    end if;
end
$$;
