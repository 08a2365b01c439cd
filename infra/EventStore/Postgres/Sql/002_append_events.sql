-- Appends in one round trip. The expected version is checked before anything is numbered.
--   expected: a version, 0 for no stream, -1 for exists, -2 for any
--   SQLSTATE ES001: another version than expected; the message is the actual version
-- An append whose ids are all in the stream already returns where they are, whatever was expected.
create function append_events(
    p_stream text, p_expected bigint, p_ids uuid[], p_names text[], p_data jsonb[], p_metadata jsonb,
    out last_version bigint, out last_position bigint)
language plpgsql as $$
declare
    actual bigint;
    count  int := cardinality(p_ids);
begin
    select s.version into actual from streams s where s.id = p_stream for update;
    if not found then
        actual := 0;
        if p_expected in (0, -2) then
            insert into streams (id, version) values (p_stream, 0) on conflict (id) do nothing;
            if not found then
                -- Another writer created it while this one waited.
                select s.version into actual from streams s where s.id = p_stream for update;
            end if;
        end if;
    end if;

    if actual > 0 and (p_expected < 0 or p_expected <> actual) then
        select max(e.version), max(e.position) into last_version, last_position
        from events e where e.id = any (p_ids) and e.stream = p_stream
        having count(*) = count;
        if found then
            return;
        end if;
    end if;

    if not (p_expected = -2 or (p_expected = -1 and actual > 0) or p_expected = actual) then
        raise exception using errcode = 'ES001', message = actual::text;
    end if;

    -- The transaction has its id by now (the row of the stream is locked or written), before it draws positions: HighWater
    -- relies on that order.
    insert into events (position, stream, version, id, name, data, metadata)
    select nextval('event_positions'), p_stream, actual + e.ordinal, e.id, e.name, e.data, p_metadata
    from unnest(p_ids, p_names, p_data) with ordinality as e (id, name, data, ordinal)
    order by e.ordinal;

    update streams s set version = actual + count where s.id = p_stream;
    last_version := actual + count;
    -- The largest position of this append: nothing else in this session drew one since.
    last_position := currval('event_positions');
end
$$;
