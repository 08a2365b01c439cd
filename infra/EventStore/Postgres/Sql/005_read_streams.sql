-- The events of one stream in order of version, at most p_max of them: from one version to another, to a time, and of an archived
-- stream only when asked for. The row of the stream tells between which positions its events lie, so that the read touches the
-- partitions that hold them and no other, however many there are. The plan is made once for all streams and leads through the key of
-- stream and version, which is in order already: the statistics of a young or a mixed table must not talk the planner out of it.
create function fetch_stream(
    p_tenant text, p_stream text, p_from bigint, p_to bigint, p_until timestamptz, p_archived boolean, p_max int)
returns table (
    "position" bigint, stream text, version bigint, id uuid, name text, data jsonb, metadata jsonb, recorded_at timestamptz,
    tenant text)
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_first bigint;
    v_last  bigint;
begin
    select s.first_position, s.last_position into v_first, v_last
    from streams s where s.tenant = p_tenant and s.id = p_stream and (s.state = 0 or s.state = 1 and p_archived);
    if found then
        return query
        select e.position, e.stream, e.version, e.id, e.name, e.data, e.metadata, e.recorded_at, e.tenant
        from events e
        where e.tenant = p_tenant and e.stream = p_stream and e.version between p_from and p_to
            and e.position between v_first and v_last and (p_until is null or e.recorded_at <= p_until)
        order by e.version limit p_max;
    end if;
end
$$;
