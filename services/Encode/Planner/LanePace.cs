using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Encode.Planner;

/// <summary>
/// Answers: how much longer than estimated do the tasks of a lane take? A moving average over what workers report, in a
/// table, so that every planner knows it, also after a restart; 1 until something was reported.
/// </summary>
public sealed class LanePace(NpgsqlDataSource source)
{
    /// <summary>The weight of a new report in the average.</summary>
    private const double NewWeight = 0.2;

    /// <summary>A report beyond this, or below one by it, is taken for this much.</summary>
    private const double RatioMax = 50;

    /// <summary>Takes the report of a task of rungs; other messages change nothing.</summary>
    public async Task LearnAsync(EncodeJob job, IMessage message, CancellationToken cancellation)
    {
        var (task, seconds) = message switch
        {
            RenditionEncoded e => (e.TaskName(), e.EncodeSeconds),
            ChunkEncoded e => (e.Task, e.EncodeSeconds),
            _ => ("", 0),
        };
        // What only joins says nothing of encoding.
        if (seconds <= 0 || !job.RungsOf(task).Any() || job.Joins(task))
            return;
        await source.ExecuteAsync(
            $"""
            insert into lane_pace as p values ($1, $2)
            on conflict (lane) do update set pace = p.pace + {NewWeight} * (excluded.pace - p.pace)
            """,
            cancellation,
            job.LaneOf(task),
            Math.Clamp(seconds / job.SecondsOf(task), 1 / RatioMax, RatioMax)
        );
    }

    /// <summary>The factor of each lane of which something was reported.</summary>
    public async Task<IReadOnlyDictionary<string, double>> ReadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("select lane, pace from lane_pace");
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var paces = new Dictionary<string, double>(StringComparer.Ordinal);
        while (await row.ReadAsync(cancellation))
            paces[row.GetString(0)] = row.GetDouble(1);
        return paces;
    }
}
