-- Appends to one stream, the commonest appends, each one statement that writes the row of the stream and the events: one event by
-- append_one, several by append_stream. Every refusal is left to append_events, which says what was wrong; expected versions and
-- outcomes are as there. They hold few expressions, since PL/pgSQL makes each of them anew in every transaction.
--   last_version, last_position, recorded: of the last event; drawn: the position of every event
--   The version is checked before a position is drawn, and the transaction has its id by then: HighWater relies on that order, so
--   that whatever draws positions asks for the id first.
drop function append_one(text, text, bigint, jsonb, uuid, text, jsonb);

-- A writer that waits for another one of its stream leaves a gap and draws again when its turn has come, as PostgreSQL evaluates an
-- update anew on the row that it waited for; positions grow with versions.
create function append_one(
    p_tenant text, p_stream text, p_expected bigint, p_metadata jsonb, p_id uuid, p_name text, p_data jsonb,
    out outcome int, out last_version bigint, out last_position bigint, out recorded timestamptz)
language plpgsql set enable_seqscan = off as $$
begin
    if p_expected <> 0 then
        with moved as (
            update streams s
            set version = s.version + 1, updated_at = greatest(s.updated_at, clock_timestamp()),
                last_position = case when pg_current_xact_id() is not null then nextval('event_positions') end
            where s.tenant = p_tenant and s.id = p_stream and s.state = 0 and (s.version = p_expected or p_expected < 0)
            returning s.version, s.first_position, s.last_position, s.updated_at),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select m.last_position, p_tenant, p_stream, m.version, p_id, p_name, p_data, p_metadata, m.updated_at from moved m)
        select case when in_one_partition(m.first_position, m.last_position) then 0 end, m.version, m.last_position, m.updated_at
        into outcome, last_version, last_position, recorded from moved m;
    end if;
    if last_version is null and (p_expected = 0 or p_expected = -2) then
        with started as (
            insert into streams (tenant, id, version, created_at, updated_at, first_position, last_position)
            select p_tenant, p_stream, 1, d.now, d.now, d.at, d.at
            from (
                select case when pg_current_xact_id() is not null then nextval('event_positions') end as at, clock_timestamp() as now
                where not exists (select from streams s where s.tenant = p_tenant and s.id = p_stream)) as d
            on conflict do nothing
            returning streams.last_position, streams.updated_at)
        insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
        select s.last_position, p_tenant, p_stream, 1, p_id, p_name, p_data, p_metadata, s.updated_at from started s
        returning 0, 1, position, recorded_at into outcome, last_version, last_position, recorded;
    end if;
    if outcome = 0 then
        return;
    end if;

    if last_version is not null then
        perform check_ids_are_new(p_tenant, p_stream, last_position, array[p_id]);
        outcome := 0;
        return;
    end if;
    select e.outcomes[1], e.versions[1], e.positions[1], e.times[1] into outcome, last_version, last_position, recorded
    from append_events(
        array[p_tenant], array[p_stream], array[p_expected], array[p_metadata], array[1], array[p_id], array[p_name],
        array[p_data], false) as e;
end
$$;

-- One who expects an exact version may draw before the lock: whoever comes second fails, so that positions still grow with versions.
create function append_stream(
    p_tenant text, p_stream text, p_expected bigint, p_metadata jsonb, p_ids uuid[], p_names text[], p_data jsonb[],
    out outcome int, out last_version bigint, out last_position bigint, out recorded timestamptz, out drawn bigint[])
language plpgsql set enable_seqscan = off as $$
begin
    if p_expected > 0 then
        with numbered as materialized (
            select array(select nextval('event_positions')
                from generate_series(1, case when pg_current_xact_id() is not null then cardinality(p_ids) end)) as at
            from streams s where s.tenant = p_tenant and s.id = p_stream and s.state = 0 and s.version = p_expected),
        moved as (
            update streams s
            set version = p_expected + cardinality(p_ids), updated_at = greatest(s.updated_at, clock_timestamp()),
                last_position = n.at[cardinality(p_ids)]
            from numbered n
            where s.tenant = p_tenant and s.id = p_stream and s.state = 0 and s.version = p_expected
            returning s.version, s.first_position, s.last_position, s.updated_at, n.at),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select e.position, p_tenant, p_stream, p_expected + e.number, e.id, e.name, e.data, p_metadata, m.updated_at
            from moved m, unnest(m.at, p_ids, p_names, p_data) with ordinality as e (position, id, name, data, number))
        select case when in_one_partition(m.first_position, m.last_position) then 0 end,
            m.version, m.last_position, m.updated_at, m.at
        into outcome, last_version, last_position, recorded, drawn from moved m;
    elsif p_expected = 0 then
        with numbered as materialized (
            select array(select nextval('event_positions')
                from generate_series(1, case when pg_current_xact_id() is not null then cardinality(p_ids) end)) as at,
                clock_timestamp() as now
            where not exists (select from streams s where s.tenant = p_tenant and s.id = p_stream)),
        started as (
            insert into streams (tenant, id, version, created_at, updated_at, first_position, last_position)
            select p_tenant, p_stream, cardinality(p_ids), n.now, n.now, n.at[1], n.at[cardinality(p_ids)] from numbered n
            on conflict do nothing
            returning streams.version, streams.last_position, streams.updated_at),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select e.position, p_tenant, p_stream, e.number, e.id, e.name, e.data, p_metadata, s.updated_at
            from started s, numbered n, unnest(n.at, p_ids, p_names, p_data) with ordinality
                as e (position, id, name, data, number))
        select 0, s.version, s.last_position, s.updated_at, n.at
        into outcome, last_version, last_position, recorded, drawn from started s, numbered n;
    end if;
    if outcome = 0 then
        return;
    end if;

    if last_version is not null then
        perform check_ids_are_new(p_tenant, p_stream, drawn[1], p_ids);
        outcome := 0;
        return;
    end if;
    select e.outcomes[1], e.versions[1], e.positions[1], e.times[1], e.drawn
    into outcome, last_version, last_position, recorded, drawn
    from append_events(
        array[p_tenant], array[p_stream], array[p_expected], array[p_metadata], array[cardinality(p_ids)], p_ids, p_names,
        p_data, false) as e;
end
$$;

create function in_one_partition(p_first bigint, p_last bigint) returns boolean immutable parallel safe language sql as
    'select p_first / events_per_partition() = p_last / events_per_partition()';

-- The keys of the newest partition refuse an id that is in it. For a stream that reaches into older ones, those are asked.
create function check_ids_are_new(p_tenant text, p_stream text, p_before bigint, p_ids uuid[]) returns void
language plpgsql stable set enable_seqscan = off as $$
begin
    if exists (
        select from streams s, find_appended(p_tenant, p_stream, s.first_position, p_before - 1, p_ids) as f
        where s.tenant = p_tenant and s.id = p_stream and f.matches > 0) then
        raise unique_violation using table = 'events_p', constraint = 'events_p_id', message = 'the id is of another event';
    end if;
end
$$;
