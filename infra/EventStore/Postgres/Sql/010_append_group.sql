-- Appends to several streams at once, each of which expects an exact version, by one statement for all of them: what an append costs
-- beside its rows is paid once a group. Either all expect a version or all expect no stream, so that every transaction takes
-- its locks in the order of streams; they come in that order, and a loop over an index keeps it.
--   p_before:  how many of p_ids, p_names and p_data belong to the appends before each one
--   numbers:   which appends were done, counting from 1; versions, positions: of the last event of each of those
--   An append whose version is another one is left out, for append_one or append_stream to say what was wrong. Two that start one
--   stream at a time clash on a key, which undoes the group.
--   As in append_stream, one who expects an exact version may draw before the lock, but not before it has an id.
create function append_group(
    p_tenants text[], p_streams text[], p_expected bigint[], p_metadata jsonb[], p_counts int[], p_before int[],
    p_ids uuid[], p_names text[], p_data jsonb[],
    out numbers int[], out versions bigint[], out positions bigint[])
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_spread int[];
    v_drawn  bigint[];
begin
    if p_expected[1] > 0 then
        with numbered as materialized (
            select a.number, a.tenant, a.stream, a.expected, a.metadata, a.count, a.before,
                array(select nextval('event_positions')
                    from generate_series(1, case when pg_current_xact_id() is not null then a.count end)) as at
            from unnest(p_tenants, p_streams, p_expected, p_metadata, p_counts, p_before) with ordinality
                as a (tenant, stream, expected, metadata, count, before, number)
            join streams s on s.tenant = a.tenant and s.id = a.stream and s.state = 0 and s.version = a.expected),
        moved as (
            update streams s
            set version = n.expected + n.count, updated_at = greatest(s.updated_at, clock_timestamp()), last_position = n.at[n.count]
            from numbered n
            where s.tenant = n.tenant and s.id = n.stream and s.state = 0 and s.version = n.expected
            returning n.number, s.tenant, s.id, n.expected, n.metadata, n.before, n.at, s.version, s.first_position, s.last_position,
                s.updated_at),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select e.position, m.tenant, m.id, m.expected + e.n, p_ids[m.before + e.n], p_names[m.before + e.n],
                p_data[m.before + e.n], m.metadata, m.updated_at
            from moved m, unnest(m.at) with ordinality as e (position, n))
        select array_agg(m.number), array_agg(m.version), array_agg(m.last_position),
            array_agg(m.number) filter (where not in_one_partition(m.first_position, m.last_position)),
            array_agg(m.at[1]) filter (where not in_one_partition(m.first_position, m.last_position))
        into numbers, versions, positions, v_spread, v_drawn from moved m;
    else
        with numbered as materialized (
            select a.number, a.tenant, a.stream, a.metadata, a.count, a.before, clock_timestamp() as now,
                array(select nextval('event_positions')
                    from generate_series(1, case when pg_current_xact_id() is not null then a.count end)) as at
            from unnest(p_tenants, p_streams, p_metadata, p_counts, p_before) with ordinality
                as a (tenant, stream, metadata, count, before, number)
            where not exists (select from streams s where s.tenant = a.tenant and s.id = a.stream)),
        started as (
            insert into streams (tenant, id, version, created_at, updated_at, first_position, last_position)
            select n.tenant, n.stream, n.count, n.now, n.now, n.at[1], n.at[n.count] from numbered n
            returning 1),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select e.position, n.tenant, n.stream, e.n, p_ids[n.before + e.n], p_names[n.before + e.n], p_data[n.before + e.n],
                n.metadata, n.now
            from numbered n, unnest(n.at) with ordinality as e (position, n)
            -- The rows of the streams come first, as everywhere: they are the locks.
            where (select count(*) from started) > 0)
        select array_agg(n.number), array_agg(n.count), array_agg(n.at[n.count])
        into numbers, versions, positions from numbered n;
    end if;

    -- The keys of the newest partition refuse an id that is in it. For streams that reach into older ones, those are asked.
    if v_spread is null then
        return;
    end if;
    perform check_ids_are_new(p_tenants[s.n], p_streams[s.n], s.at, p_ids[p_before[s.n] + 1 : p_before[s.n] + p_counts[s.n]])
    from unnest(v_spread, v_drawn) as s (n, at);
end
$$;
