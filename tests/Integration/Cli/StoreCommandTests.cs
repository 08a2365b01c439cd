using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Integration.Tests.EventStore;
using EventStream.Tests.Kit;
using EventStream.Upload;

namespace EventStream.Integration.Tests.Cli;

/// <summary>The verbs <c>eventstream store ...</c> through the real executable, on a real PostgreSQL and
/// broker.</summary>
public sealed class StoreCommandTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-store-").FullName;
    private StoreCli cli = null!;

    public async Task InitializeAsync() => cli = await StoreCli.CreateAsync("tool");

    public async Task DisposeAsync()
    {
        await cli.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_store_is_asserted_migrated_twice_and_looked_at()
    {
        var (code, output, error) = await cli.RunAsync("status");
        Assert.Equal(1, code);
        Assert.Contains("run `eventstream store migrate`", error, StringComparison.Ordinal);
        (code, output, _) = await cli.RunAsync("assert");
        Assert.Equal(1, code);
        Assert.Contains($"upload: schema {cli.Schema("upload")} differs", output, StringComparison.Ordinal);
        Assert.Contains("upload.sql", await cli.DoneAsync("migrate", "--script", folder), StringComparison.Ordinal);
        Assert.Contains(
            "mt_events",
            await File.ReadAllTextAsync(Path.Combine(folder, "upload.sql")),
            StringComparison.Ordinal
        );

        for (var turn = 0; turn < 2; turn++)
        {
            Assert.Equal(
                $"upload: schema {cli.Schema("upload")} is up to date\n"
                    + $"encode: schema {cli.Schema("encode")} is up to date\n",
                await cli.DoneAsync("migrate")
            );
        }

        Assert.Contains(
            $"encode: schema {cli.Schema("encode")} is as expected",
            await cli.DoneAsync("assert"),
            StringComparison.Ordinal
        );
        await RegisterAsync("One");
        output = await cli.DoneAsync("status", "--service", "upload");
        Assert.Matches(@"upload +\(newest event\) +1", output);
        Assert.Matches(@"upload +video-list:\S+ +0 +1  nobody", output);
        Assert.Matches(@"upload +kafka-relay:All +0 +1  nobody", output);
        await cli.DoneAsync("rebuild", "video-list");
        Assert.Matches(@"upload +video-list:\S+ +1 +0  nobody", await cli.DoneAsync("status", "--service", "upload"));
    }

    [Fact]
    public async Task An_export_that_was_cut_off_continues()
    {
        await cli.DoneAsync("migrate");
        for (var i = 0; i < 5; i++)
            await RegisterAsync($"Title {i}");
        var file = Path.Combine(folder, "events.ndjson");
        await cli.DoneAsync("export", "--service", "upload", "--out", file);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        var whole = await File.ReadAllTextAsync(file);
        var lines = whole.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([1L, 2, 3, 4, 5], lines.Select(line => line.GetProperty("position").GetInt64()));
        Assert.Equal("Title 3", lines[3].GetProperty("data").GetProperty("title").GetString());
        Assert.Equal("video.registered.v1", lines[3].GetProperty("type").GetString());

        // As a kill leaves it: the fourth line half written.
        var torn = whole.IndexOf("\"position\":4", StringComparison.Ordinal) + 40;
        await File.WriteAllTextAsync(file, whole[..torn]);
        Assert.Equal(
            $"2 events written to {file}\n",
            await cli.DoneAsync("export", "--service", "upload", "--out", file)
        );
        Assert.Equal(whole, await File.ReadAllTextAsync(file));

        var one = lines[2].GetProperty("stream").GetString()!;
        var output = await cli.DoneAsync("export", "--stream", one);
        Assert.Equal(
            "Title 2",
            JsonDocument.Parse(output).RootElement.GetProperty("data").GetProperty("title").GetString()
        );
        await File.WriteAllTextAsync(file, "not ours\n");
        var (code, _, error) = await cli.RunAsync("export", "--service", "upload", "--out", file);
        Assert.Equal(1, code);
        Assert.Contains("is no exported event: name another file", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replay_publishes_a_stream_again_and_marks_it()
    {
        await using var broker = await TestBroker.StartAsync();
        await cli.DoneAsync("migrate");
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        var id = await RegisterAsync("One");
        await RegisterAsync("Two");
        var (code, output, error) = await cli.RunAsync(broker.Bootstrap, ["replay", "--stream", $"video-{id}"]);
        Assert.True(code == 0, error);
        Assert.Equal("1 events are published again\n", output);
        var records = await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name);
        Assert.Equal([(id.ToString(), 1L, true)], records.Select(r => (r.Key, r.Version, r.Replay)));
        (_, output, _) = await cli.RunAsync(broker.Bootstrap, ["replay", "--service", "upload", "--after", "1"]);
        Assert.Equal("1 events are published again\n", output);
    }

    [Theory]
    [InlineData("'nothing' is no read model. The read models are: video-list", "rebuild", "nothing")]
    [InlineData("Name what to replay: --stream, or a range by --service, --after and --up-to.", "replay")]
    [InlineData("Name the service whose events they are: --service upload or --service encode.", "export")]
    [InlineData("'other' keeps no store. The services are: upload, encode.", "status", "--service", "other")]
    [InlineData("'other-1' is no stream.", "export", "--stream", "other-1")]
    [InlineData("cannot be read", "import", "/nowhere/events.ndjson")]
    public async Task What_cannot_be_done_is_one_sentence_with_the_remedy(string sentence, params string[] arguments)
    {
        await cli.DoneAsync("migrate");
        var (code, _, error) = await cli.RunAsync(arguments);
        Assert.Equal(1, code);
        Assert.StartsWith("eventstream: ", error, StringComparison.Ordinal);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task A_PostgreSQL_that_does_not_answer_and_a_schema_from_the_future_are_named()
    {
        Assert.Contains("does not answer", (await cli.Elsewhere().RunAsync("status")).Error, StringComparison.Ordinal);
        await cli.DoneAsync("migrate");
        await cli.ExecuteAsync(
            $"insert into {cli.Schema("upload")}.migrations values ('upload', 999, '999_later.sql', 'x')"
        );
        var (code, _, error) = await cli.RunAsync("migrate");
        Assert.Equal(1, code);
        Assert.Contains("update the program", error, StringComparison.Ordinal);
    }

    private async Task<VideoId> RegisterAsync(string title)
    {
        await using var upload = cli.Open("upload");
        var id = VideoId.New(Now);
        await new Decider<Video>(upload.Documents, upload.Personal, TimeProvider.System).DecideAsync(
            id.Value,
            video => video.Register(id, "Blender", title, "file.mp4", 10, Now),
            EventMetadata.None,
            default
        );
        return id;
    }
}
