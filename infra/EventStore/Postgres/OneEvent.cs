using EventStream.EventStore.Codec;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// The commonest appends, one event to a stream whose version is known, as statements of their own: the row of the
/// stream and the event, without the cost of a function (docs/decisions/0025). They give no row when the stream is
/// another one than expected; <c>append_one</c> says why.
/// </summary>
/// <remarks>
/// Both find the stream by <c>on conflict</c>, which looks into the key whatever the planner holds of the table: a plan
/// made while it was small cannot come to scan it. The transaction has its id before a position is drawn, as
/// <see cref="HighWater"/> relies on. Their parameters are those of <c>append_one</c>.
/// </remarks>
internal static class OneEvent
{
    /// <summary>Starts a stream. Where it is there already, the position that was drawn stays unused.</summary>
    public const string Start =
        """
        with started as (
            insert into streams (tenant, id, version, created_at, updated_at, first_position, last_position)
            select $1, $2, $3 + 1, d.now, d.now, d.at, d.at
            from (
                select case when pg_current_xact_id() is not null then nextval('event_positions') end as at,
                    clock_timestamp() as now) as d
            on conflict do nothing
            returning streams.last_position, streams.updated_at)
        insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
        select s.last_position, $1, $2, 1, $5, $6, $7, $4, s.updated_at from started s
        returning 0, version, position, recorded_at
        """;

    /// <summary>
    /// Appends to a stream of an exact version, which is compared under its lock before a position is drawn.
    /// </summary>
    public const string Next =
        """
        with moved as (
            insert into streams as s (tenant, id, version) values ($1, $2, 0)
            on conflict (tenant, id) do update
            set version = s.version + 1, updated_at = greatest(s.updated_at, clock_timestamp()),
                last_position = case when pg_current_xact_id() is not null then nextval('event_positions') end
            where s.state = 0 and s.version = $3
            returning s.version, s.last_position, s.updated_at,
                case when s.version > 0 and in_one_partition(s.first_position, s.last_position) then true
                    else check_moved($1, $2, s.version, s.last_position, $5) end as is_checked)
        insert into events (position, tenant, stream, version, id, name, data, metadata, recorded_at)
        select m.last_position, $1, $2, m.version, $5, $6, $7, $4, m.updated_at from moved m where m.is_checked
        returning 0, version, position, recorded_at
        """;

    /// <summary>The statement of an append; null where it takes a function.</summary>
    public static string? StatementOf(EncodedAppend append) =>
        append.Count > 1 ? null : append.Expected.Value switch { 0 => Start, > 0 => Next, _ => null };
}
