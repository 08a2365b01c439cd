using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.Tests.Integration.EventStore;
using EventStream.Tests.Kit;
using EventStream.Upload.Library;

namespace EventStream.Tests.Integration.Cli;

/// <summary>The commands <c>eventstream store ...</c> through the real executable, on a real PostgreSQL and
/// broker.</summary>
[Trait("Category", "Integration")]
public sealed class StoreCommandTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_store_is_migrated_twice_looked_at_and_its_projection_rebuilt()
    {
        var options = await PostgresFixture.OptionsAsync("tool");
        var (code, output, error) = await RunAsync(options, null, "status");
        Assert.Equal(1, code);
        Assert.Contains("holds no event store", error, StringComparison.Ordinal);
        Assert.Contains("run `eventstream store migrate`", error, StringComparison.Ordinal);

        (code, output, _) = await RunAsync(options, null, "migrate");
        Assert.Equal(0, code);
        Assert.Contains("steps applied", output, StringComparison.Ordinal);
        (_, output, _) = await RunAsync(options, null, "migrate");
        Assert.Equal("store: up to date\nupload: up to date\n", output);

        await using var rig = await StoreRig.OpenAsync(options);
        await rig.AppendAsync("video-1", Registered("One"));
        await rig.DaemonAsync(new DaemonPlan().Add(new VideoListProjection()));
        await rig.WaitAsync("video-list");
        await rig.ExecuteAsync("update video_list set title = 'spoilt'");
        (code, output, error) = await RunAsync(options, null, "rebuild", "video-list");
        Assert.True(code == 0, error);
        Assert.Contains("video-list is rebuilt and live", output, StringComparison.Ordinal);
        Assert.Contains("video-list generation 2: 1 of 1", error, StringComparison.Ordinal);
        Assert.Equal(["One"], await rig.RowsAsync("select title from video_list"));
        await rig.AppendAsync("video-2", Registered("Two"));
        await rig.WaitAsync("video-list");

        (code, output, _) = await RunAsync(options, null, "status");
        Assert.Equal(0, code);
        Assert.Contains("safe to read up to position 2", output, StringComparison.Ordinal);
        Assert.Matches(@"video-list +2 +2 +1  live, async", output);
        Assert.Matches(@"video-list:g2 +2 +0 +0  runs or stands by", output);
        (_, output, _) = await RunAsync(options, null, "pause", "video-list");
        Assert.Equal("video-list rests\n", output);
        Assert.Matches("video-list:g2.* paused", (await RunAsync(options, null, "status")).Output);
        (_, output, _) = await RunAsync(options, null, "resume", "video-list");
        Assert.Equal("video-list goes on\n", output);
    }

    [Fact]
    public async Task An_export_that_was_cut_off_is_gone_on_with()
    {
        await using var rig = await StoreRig.StartAsync("export");
        for (var i = 0; i < 5; i++) await rig.AppendAsync($"video-{i % 2}", Registered($"Title {i}"));
        var file = Path.Combine(Directory.CreateTempSubdirectory("eventstream-export-").FullName, "events.ndjson");
        Assert.Equal(0, (await RunAsync(rig.Options, null, "export", "--out", file)).Code);
        var whole = await File.ReadAllTextAsync(file);
        var lines = whole.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([1L, 2, 3, 4, 5], lines.Select(line => line.GetProperty("position").GetInt64()));
        Assert.Equal("Title 3", lines[3].GetProperty("data").GetProperty("title").GetString());
        Assert.Equal("video.registered.v1", lines[3].GetProperty("type").GetString());

        // As a kill leaves it: the fourth line half written.
        var torn = whole.IndexOf("\"position\":4", StringComparison.Ordinal) + 40;
        await File.WriteAllTextAsync(file, whole[..torn]);
        var (code, output, _) = await RunAsync(rig.Options, null, "export", "--out", file);
        Assert.Equal((0, $"2 events written to {file}\n"), (code, output));
        Assert.Equal(whole, await File.ReadAllTextAsync(file));

        (code, output, _) = await RunAsync(rig.Options, null, "export", "--stream", "video-1");
        Assert.Equal(0, code);
        Assert.Equal(
            [1L, 2], output.TrimEnd('\n').Split('\n').Select(line =>
                JsonDocument.Parse(line).RootElement.GetProperty("version").GetInt64()));
        await File.WriteAllTextAsync(file, "not ours\n");
        (code, _, output) = await RunAsync(rig.Options, null, "export", "--out", file);
        Assert.Equal(1, code);
        Assert.Contains("is no exported event: name another file", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replay_publishes_a_stream_again_and_says_that_it_is_one()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var rig = await StoreRig.StartAsync("replay");
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        await rig.AppendAsync("video-1", Registered("One"), SampleEvents.Uploaded());
        await rig.AppendAsync("video-2", Registered("Two"));
        var (code, output, error) = await RunAsync(rig.Options, broker.Bootstrap, "replay", "--stream", "video-1");
        Assert.True(code == 0, error);
        Assert.Equal("2 events are published again\n", output);
        var records = await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name);
        Assert.Equal([("1", 1L, true), ("1", 2L, true)], records.Select(r => (r.Key, r.Version, r.Replay)));
    }

    [Fact]
    public async Task A_reader_that_rests_is_rewound_and_handles_again_what_came_after_the_position()
    {
        await using var rig = await StoreRig.StartAsync("rewound");
        var seen = new SeenPositions();
        await rig.DaemonAsync(new DaemonPlan(), [seen]);
        for (var i = 0; i < 3; i++) await rig.AppendAsync("video-1", Registered($"Title {i}"));
        await Wait.UntilAsync("three events were handled", () => seen.Handled.Count == 3);

        var (code, _, error) = await RunAsync(rig.Options, null, "rewind", seen.Name, "1");
        Assert.Equal(1, code);
        Assert.Contains("`eventstream store pause` makes one rest", error, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(rig.Options, null, "pause", seen.Name)).Code);
        (code, var output, error) = await RunAsync(rig.Options, null, "rewind", seen.Name, "1");
        Assert.True(code == 0, error);
        Assert.Equal("seen-positions handles events after position 1 again, once it is resumed\n", output);
        Assert.Equal(3, seen.Handled.Count);
        Assert.Equal(0, (await RunAsync(rig.Options, null, "resume", seen.Name)).Code);
        await Wait.UntilAsync("the last two were handled again", () => seen.Handled.Count == 5);
        Assert.Equal([1L, 2, 3, 2, 3], seen.Handled);
    }

    [Fact]
    public async Task A_person_is_erased_from_one_tenant_for_ever()
    {
        await using var rig = await StoreRig.StartAsync("erased");
        await rig.AppendAsync("video-1", Registered("One"));
        var (code, output, error) = (0, "", "");
        // What another transaction of the server may still precede is not exported yet.
        await Wait.UntilAsync("the event was exported", async () =>
        {
            (code, output, error) = await RunAsync(rig.Options, null, "export");
            Assert.True(code == 0, error);
            return output.Contains("Blender", StringComparison.Ordinal);
        });
        (code, output, _) = await RunAsync(rig.Options, null, "erase", "Blender", "--tenant", "another");
        Assert.Equal((0, "Nothing was known of the person.\n"), (code, output));
        (code, output, error) = await RunAsync(rig.Options, null, "erase", "Blender");
        Assert.True(code == 0, error);
        Assert.StartsWith("The person is erased.", output, StringComparison.Ordinal);

        (_, output, _) = await RunAsync(rig.Options, null, "export");
        Assert.DoesNotContain("Blender", output, StringComparison.Ordinal);
        var data = JsonDocument.Parse(output).RootElement.GetProperty("data");
        Assert.Equal(PersonalDataAttribute.Erased, data.GetProperty("publisher").GetString());
        Assert.Equal("One", data.GetProperty("title").GetString());
        (code, output, _) = await RunAsync(rig.Options, null, "erase", "Blender");
        Assert.Equal((0, "Nothing was known of the person.\n"), (code, output));
    }

    [Theory]
    [InlineData("'nothing' is not a projection. The projections are: video-list.", "rebuild", "nothing")]
    [InlineData("There is no reader 'nothing'", "pause", "nothing")]
    [InlineData("Name what to replay: --stream, or a range by --after and --up-to.", "replay")]
    [InlineData("'encode-1' has no topic: the relay carries video-* to video.events.", "replay", "--stream",
        "encode-1")]
    [InlineData("is a projection: its rows would count events twice", "rewind", "video-list", "0")]
    [InlineData("the topics themselves say how far the relay is", "rewind", "kafka-relay", "0")]
    public async Task What_cannot_be_done_is_one_sentence_with_the_remedy(string sentence, params string[] arguments)
    {
        await using var rig = await StoreRig.StartAsync("refused");
        await rig.StopAsync(await rig.DaemonAsync(new DaemonPlan().Add(new VideoListProjection())));
        var (code, _, error) = await RunAsync(rig.Options, null, arguments);
        Assert.Equal(1, code);
        Assert.StartsWith("eventstream: ", error, StringComparison.Ordinal);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task A_PostgreSQL_that_is_not_there_and_a_schema_from_the_future_are_named()
    {
        var nowhere = (await PostgresFixture.OptionsAsync("nowhere")) with
        {
            ConnectionString = $"Host=127.0.0.1;Port={PostgresFixture.FreePort()}",
        };
        Assert.Contains("does not answer", (await RunAsync(nowhere, null, "status")).Error, StringComparison.Ordinal);
        await using var rig = await StoreRig.StartAsync("future");
        await rig.ExecuteAsync("insert into migrations values ('store', 999, '999_later.sql', 'x')");
        var (code, _, error) = await RunAsync(rig.Options, null, "migrate");
        Assert.Equal(1, code);
        Assert.Contains("update the program", error, StringComparison.Ordinal);
    }

    private static VideoRegistered Registered(string title) =>
        new(VideoId.New(Now), "Blender", title, "file.mp4", 10, Now);

    private static async Task<(int Code, string Output, string Error)> RunAsync(
        PostgresOptions options, string? kafka, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Checkout.Root, "artifacts", "bin", "eventstream"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in (string[])["store", .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["EVENTSTREAM__POSTGRES__CONNECTIONSTRING"] = options.ConnectionString;
        start.Environment["EVENTSTREAM__POSTGRES__MASTERKEYFILE"] = PostgresFixture.MasterKeyFile.Value;
        start.Environment["EVENTSTREAM__POSTGRES__SCHEMA"] = options.Schema;
        if (kafka is not null) start.Environment["EVENTSTREAM__KAFKA__BOOTSTRAP"] = kafka;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var cancel = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await process.WaitForExitAsync(cancel.Token);
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Keeps the positions of the events that it is given, in their order.</summary>
    private sealed class SeenPositions() : Subscription("seen-positions")
    {
        public ConcurrentQueue<long> Handled { get; } = new();

        public override async Task HandleAsync(
            IReadOnlyList<RecordedEvent> events, long upTo, Checkpoint checkpoint, CancellationToken cancellation)
        {
            foreach (var recorded in events) Handled.Enqueue(recorded.Position);
            await checkpoint.MoveAsync(upTo, cancellation);
        }
    }
}
