-- Appends one event to one stream, the commonest append: one statement writes the row of the stream and the event. Every refusal is
-- left to append_events, which says what was wrong; expected versions and outcomes are as there.
--   The version is checked before a position is drawn, and the transaction has its id by then: HighWater relies on that order, so
--   that the position stands in a case after the id. A writer that waits for another one of its stream leaves a gap and draws again
--   when its turn has come, as PostgreSQL evaluates an update anew on the row that it waited for; positions grow with versions.
create function append_one(
    p_tenant text, p_stream text, p_expected bigint, p_metadata jsonb, p_id uuid, p_name text, p_data jsonb,
    out outcome int, out last_version bigint, out last_position bigint)
language plpgsql set enable_seqscan = off as $$
declare
    v_first bigint;
begin
    if p_expected <> 0 then
        with moved as (
            update streams s
            set version = s.version + 1, updated_at = greatest(s.updated_at, clock_timestamp()),
                last_position = case when pg_current_xact_id() is not null then nextval('event_positions') end
            where s.tenant = p_tenant and s.id = p_stream and s.state = 0
                and (s.version = p_expected or p_expected < 0)
            returning s.version, s.first_position, s.last_position, s.updated_at),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select m.last_position, p_tenant, p_stream, m.version, p_id, p_name, p_data, p_metadata, m.updated_at from moved m)
        select m.version, m.last_position, m.first_position into last_version, last_position, v_first from moved m;
    end if;
    if last_version is null and (p_expected = 0 or p_expected = -2) then
        with drawn as materialized (
            select case when pg_current_xact_id() is not null then nextval('event_positions') end as at, clock_timestamp() as now
            where not exists (select from streams s where s.tenant = p_tenant and s.id = p_stream)),
        started as (
            insert into streams (tenant, id, version, created_at, updated_at, first_position, last_position)
            select p_tenant, p_stream, 1, d.now, d.now, d.at, d.at from drawn d
            on conflict do nothing
            returning streams.last_position, streams.updated_at),
        added as (
            insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
            select s.last_position, p_tenant, p_stream, 1, p_id, p_name, p_data, p_metadata, s.updated_at from started s)
        select 1, s.last_position, s.last_position into last_version, last_position, v_first from started s;
    end if;

    if last_version is null then
        select e.outcomes[1], e.versions[1], e.positions[1] into outcome, last_version, last_position
        from append_events(
            array[p_tenant], array[p_stream], array[p_expected], array[p_metadata], array[1], array[p_id], array[p_name],
            array[p_data], false) as e;
        return;
    end if;

    -- The keys of the newest partition refuse an id that is in it. A stream that reaches into older ones is asked.
    if v_first / events_per_partition() <> last_position / events_per_partition() and exists (
        select from find_appended(p_tenant, p_stream, v_first, last_position - 1, array[p_id]) as f where f.matches > 0) then
        raise unique_violation using table = 'events_p', constraint = 'events_p_id', message = 'the id is of another event';
    end if;
    outcome := 0;
end
$$;
