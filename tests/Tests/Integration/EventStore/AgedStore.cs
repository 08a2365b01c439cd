using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>A store with some streams in each of five partitions, and a connection that reports plans.</summary>
public sealed class AgedStore : IAsyncLifetime
{
    internal const int Blocks = 5;
    private const int StreamsEach = 400;

    internal NpgsqlDataSource Source { get; private set; } = null!;

    internal NpgsqlConnection Connection { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var options = await PostgresFixture.QuietOptionsAsync("plans");
        Source = options.CreateDataSource();
        await new Migrator(Source, options.Schema).ApplyAsync(
            "store", typeof(IEventStore).Assembly, "EventStore.Sql", CancellationToken.None);
        for (var block = 0; block < Blocks; block++)
        {
            if (block > 0) await ExecuteAsync($"select setval('event_positions', {block * EventPartitions.Size})");
            await ExecuteAsync("select create_event_partitions(0)");
            await ExecuteAsync(
                $"select append_events({Append($"'video-{block}-' || i", "0", 10, "i")}) "
                + $"from generate_series(1, {StreamsEach}) as i");
        }

        // One stream that lives in the first and in the last partition.
        await ExecuteAsync($"select append_events({Append("'video-0-1'", "10", 2)})");
        await ExecuteAsync("analyze");
        Connection = await QueryPlan.ConnectAsync(options.ConnectionString, options.Schema);
    }

    public async Task DisposeAsync()
    {
        await Connection.DisposeAsync();
        await Source.DisposeAsync();
    }

    /// <summary>The arguments of an append of some events to one stream; ids are drawn anew for each seed.</summary>
    internal static string Append(string stream, string expected, int count, string seed = "0") =>
        $$"""
        array['default'], array[{{stream}}], array[{{expected}}]::bigint[], array['{}'::jsonb], array[{{count}}],
        array(select gen_random_uuid() from generate_series(1, {{count}} + 0 * {{seed}})),
        array_fill('video.published.v1'::text, array[{{count}}]),
        array_fill('{"videoId": "0190b5e4-0000-7000-8000-000000000000"}'::jsonb, array[{{count}}]), true
        """;

    private async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
