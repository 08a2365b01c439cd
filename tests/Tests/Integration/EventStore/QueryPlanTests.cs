using System.Text.Json;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using Xunit.Abstractions;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// A store with five partitions: no query of the store reads a table from end to end, and none touches a partition that
/// does not hold what it asks for.
/// </summary>
[Trait("Category", "Integration")]
public sealed class QueryPlanTests(AgedStore store, ITestOutputHelper output) : IClassFixture<AgedStore>
{
    private const long Size = EventPartitions.Size;

    [Fact]
    public async Task A_stream_is_read_from_its_own_partition_in_order() =>
        Assert.Equal(["events_p00002"], (await OfAsync("fetch a stream", Fetch("video-2-77"))).Partitions);

    [Fact]
    public async Task A_stream_over_two_ages_is_read_from_the_partitions_between_them_only_by_index() =>
        Assert.Equal(
            AgedStore.Blocks, (await OfAsync("fetch a long-lived stream", Fetch("video-0-1"))).Partitions.Count);

    [Fact]
    public async Task A_long_stream_is_read_on_from_where_its_first_page_ended_by_its_key_alone()
    {
        var until = new DateTime(2100, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        var plan = await AfterAsync(
            StreamPages.InOrder, "read on", StreamPages.ReadOn, Tenants.Default, "video-0-1", 11L, 1010L, Size, false,
            until);
        Assert.DoesNotContain("events_p00000", plan.Planned);
        Assert.Contains($"events_p{AgedStore.Blocks - 1:D5}", plan.Partitions);
        Assert.Equal(0, plan.Sorts);
        var indexes = plan.Indexes.Where(index => index.StartsWith("events_p"));
        Assert.All(indexes, index => Assert.EndsWith("_stream_version", index));
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_touches_no_partition() =>
        Assert.Empty((await OfAsync("fetch no stream", Fetch("video-nowhere"))).Planned);

    [Fact]
    public async Task The_log_is_read_from_the_partition_of_the_window_without_sorting()
    {
        var plan = await OfAsync(
            "read the log", PostgresEventStore.ReadAll, (2 * Size) + 500, (2 * Size) + 1500, 500);
        Assert.Equal(["events_p00002"], plan.Planned);
        Assert.Equal(0, plan.Sorts);
    }

    [Fact]
    public async Task The_log_is_read_over_the_edge_of_two_partitions()
    {
        var plan = await OfAsync("read the log over an edge", PostgresEventStore.ReadAll, (3 * Size) - 500,
            (3 * Size) + 500, 500);
        Assert.Equal(["events_p00002", "events_p00003"], plan.Planned);
        Assert.Equal(0, plan.Sorts);
    }

    [Fact]
    public async Task Appends_to_new_and_to_young_streams_read_no_partition()
    {
        var started = $"select append_events({AgedStore.Append("'video-new'", "0", 3)})";
        Assert.Empty((await OfAsync("start a stream", started)).Partitions);
        var young = $"select append_events({AgedStore.Append($"'video-{AgedStore.Blocks - 1}-7'", "10", 1)})";
        Assert.Empty((await OfAsync("append to a stream", young)).Partitions);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Appends_to_one_stream_read_no_partition_but_where_it_reaches_into_an_older_one(int events)
    {
        Assert.Empty((await OfAsync("start one", AppendTo("video-new", 0, events))).Partitions);
        var young = AppendTo($"video-{AgedStore.Blocks - 1}-7", 10, events);
        Assert.Empty((await OfAsync("append to one", young)).Partitions);
        var old = await OfAsync("append to an old one", AppendTo("video-0-1", 12, events));
        Assert.Contains("events_p00000", old.Partitions);
    }

    [Fact]
    public async Task Appends_of_one_event_without_a_function_read_none_but_where_the_stream_reaches_into_an_older_one()
    {
        using var json = JsonDocument.Parse("{}");
        Task<QueryPlan> Append(string statement, string stream, long expected) => OfAsync(
            "append one plainly", statement, Tenants.Default, stream, expected, json, Guid.NewGuid(), "a", json);
        Assert.Empty((await Append(OneEvent.Start, "video-new", 0)).Partitions);
        Assert.Empty((await Append(OneEvent.Next, $"video-{AgedStore.Blocks - 1}-7", 10)).Partitions);
        Assert.Contains("events_p00000", (await Append(OneEvent.Next, "video-0-1", 12)).Partitions);
    }

    [Fact]
    public async Task Appends_that_go_together_read_no_partition_but_where_a_stream_reaches_into_an_older_one()
    {
        Assert.Empty((await OfAsync("start two", GroupOf("video-new-1", "video-new-2", 0))).Partitions);
        string Young(int i) => $"video-{AgedStore.Blocks - 1}-{i}";
        Assert.Empty((await OfAsync("append to two", GroupOf(Young(8), Young(9), 10))).Partitions);
        var old = await OfAsync("append to two, one of them old", GroupOf("video-0-1", Young(8), 12, 10));
        Assert.Contains("events_p00000", old.Partitions);
    }

    private static string GroupOf(string one, string two, long expected, long? expectedOfTwo = null) =>
        $$"""
        select * from append_group(
            array['default', 'default'], array['{{one}}', '{{two}}'],
            array[{{expected}}, {{expectedOfTwo ?? expected}}],
            array['{}', '{}']::jsonb[], array[1, 2], array[0, 1],
            array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()], array['a', 'b', 'b'],
            array['{}', '{}', '{}']::jsonb[])
        """;

    private static string AppendTo(string stream, long expected, int events)
    {
        const string Id = "gen_random_uuid()", Name = "'video.published.v1'::text", Data = "'{}'::jsonb";
        string Each(string value) => $"array[{string.Join(", ", Enumerable.Repeat(value, events))}]";
        return events == 1
            ? $"select * from append_one('default', '{stream}', {expected}, '{{}}', {Id}, {Name}, {Data})"
            : $"select * from append_stream('default', '{stream}', {expected}, '{{}}', {Each(Id)}, {Each(Name)}, "
                + $"{Each(Data)})";
    }

    [Fact]
    public async Task A_repeated_append_is_looked_for_in_the_partition_of_its_stream()
    {
        await using var ids = store.Source.CreateCommand(
            $"select array_agg(id) from events where stream = 'video-2-9' and position > {2 * Size}");
        var known = (Guid[])(await ids.ExecuteScalarAsync())!;
        var plan = await OfAsync("find ids", AppendCommand.Find, Tenants.Default, "video-2-9", known);
        Assert.Equal(["events_p00002"], plan.Planned);
    }

    [Fact]
    public async Task A_tombstone_writes_to_the_partition_of_its_stream()
    {
        var plan = await OfAsync(
            "tombstone a stream",
            "select * from tombstone_stream('default', 'video-1-5', gen_random_uuid(), 'x', '{}', '{}', 'y')");
        Assert.Equal(["events_p00001"], plan.Partitions);
    }

    [Fact]
    public async Task Facts_about_streams_come_from_one_row()
    {
        Assert.True((await OfAsync("state", StreamLifeCommands.State, Tenants.Default, "video-2-2")).Pages <= 8);
        await OfAsync("archive", StreamLifeCommands.Move, Tenants.Default, "video-2-2", (short)1);
        await OfAsync("load a snapshot", StreamLifeCommands.Load, Tenants.Default, "video-2-2", "v1");
    }

    private static string Fetch(string stream) =>
        $"select {EventRow.OfStream} from fetch_stream('default', '{stream}', 1, 1000000, null, false, 1000)";

    private Task<QueryPlan> OfAsync(string name, string sql, params object[] values) =>
        AfterAsync(null, name, sql, values);

    /// <summary>
    /// Runs a query often enough for PostgreSQL to settle on a plan, and checks what every query must keep.
    /// </summary>
    private async Task<QueryPlan> AfterAsync(string? before, string name, string sql, params object[] values)
    {
        QueryPlan? plan = null;
        for (var i = 0; i < 7; i++) plan = await QueryPlan.OfAsync(store.Connection, sql, before, values);
        Assert.NotEqual(0, plan!.Statements);
        output.WriteLine($"{name}: {plan.Pages} pages, partitions [{string.Join(' ', plan.Partitions)}]\n{plan}");
        Assert.DoesNotContain(plan.SequentialScans, table => table.StartsWith("events") || table == "streams");
        return plan;
    }
}
