using System.Diagnostics;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Integration.Tests.Upload;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Cli;

/// <summary><c>eventstream upload</c> through the real executable.</summary>
public sealed class UploadCommandTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-upload-").FullName;
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        // Slow enough that a run can be ended in the middle of a file of some MiB.
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:KiBPerSecondMax"] = "4096" });
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Files_become_videos_and_the_same_command_again_makes_no_others()
    {
        var (one, other) = (await FileAsync("one.mp4", 3 << 20), await FileAsync("other.mp4", 1000));
        var (code, output, errors) = await RunAsync(one, other, "--chunk-mib", "1");
        Assert.True(code == 0, errors);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["one.mp4", "other.mp4"], lines.Select(line => line[38..]));
        Assert.Contains("one.mp4: 0.0 of 3.0 MiB", errors, StringComparison.Ordinal);
        foreach (var (line, file) in lines.Zip((string[])[one, other]))
        {
            var video = await upload.JsonAsync($"/v1/videos/{line[..36]}");
            Assert.Equal("uploaded", video.GetProperty("status").GetString());
            Assert.Equal(TusHarness.Hex(await File.ReadAllBytesAsync(file)), video.GetProperty("sha256").GetString());
        }

        var again = await RunAsync(one, other);
        Assert.Equal((0, output), (again.ExitCode, again.Output));
        await UploadHarness.Eventually(() => TotalAsync(), total => total == 2);
    }

    [Fact]
    public async Task A_run_that_was_killed_is_gone_on_with_where_it_was()
    {
        var file = await FileAsync("long.mp4", 16 << 20);
        var start = new ProcessStartInfo(EventStreamProcess.Program, ["upload", file, "--url", upload.Url])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["EVENTSTREAM_PUBLISHER_KEY"] = TestKeys.Publisher;
        using (var first = Process.Start(start)!)
        {
            await UploadHarness.Eventually(ReceivedAsync, received => received > 1 << 20);
            first.Kill();
            await first.WaitForExitAsync();
        }

        var held = await ReceivedAsync();
        var (code, output, errors) = await RunAsync(file);
        Assert.True(code == 0, errors);
        Assert.DoesNotContain("long.mp4: 0.0 of", errors, StringComparison.Ordinal);
        Assert.InRange(held, 1 << 20, (16 << 20) - 1);
        var video = await upload.JsonAsync($"/v1/videos/{output[..36]}");
        Assert.Equal(TusHarness.Hex(await File.ReadAllBytesAsync(file)), video.GetProperty("sha256").GetString());
        Assert.Equal(1, await TotalAsync());
    }

    [Fact]
    public async Task A_file_whose_video_was_deleted_becomes_another_one()
    {
        var file = await FileAsync("again.mp4", 1000);
        var (_, first, _) = await RunAsync(file);
        (await upload.SendAsync("DELETE", $"/v1/videos/{first[..36]}", [])).Dispose();
        var (code, second, errors) = await RunAsync(file);
        Assert.True(code == 0, errors);
        Assert.NotEqual(first[..36], second[..36]);
        Assert.Equal(second, (await RunAsync(file)).Output);
    }

    [Fact]
    public async Task A_file_takes_the_place_of_a_video()
    {
        var (first, second) = (await FileAsync("first.mp4", 1000), await FileAsync("second.mp4", 2000));
        var id = (await RunAsync(first)).Output[..36];
        var (code, output, errors) = await RunAsync(second, "--replaces", id);
        Assert.True(code == 0, errors);
        var video = await upload.JsonAsync($"/v1/videos/{id}");
        Assert.Equal(output[..36], video.GetProperty("nextEdition").GetString());
        Assert.NotEqual(output[..36], (await RunAsync(second)).Output[..36]);
        (code, _, errors) = await RunAsync(first, second, "--replaces", id);
        Assert.Equal(1, code);
        Assert.Contains("--replaces is for one file", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_waits_learns_what_became_of_the_video()
    {
        var file = await FileAsync("text.mp4", 1000);
        var waiting = RunAsync(file, "--wait", "--title", "A text");
        var list = await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos?status=uploaded&q=a+text"),
            list => list.GetProperty("total").GetInt64() == 1
        );
        var id = VideoId.Parse(list.GetProperty("videos")[0].GetProperty("id").GetString()!);
        var now = DateTimeOffset.UnixEpoch;
        await upload
            .Services.GetRequiredService<IEventPublisher>()
            .PublishAsync(
                Topics.EncodeEvents,
                $"{id}",
                new SourceRejected(id, "It is a text.", "Send a video.", "w1", now),
                now,
                default
            );
        var (code, output, errors) = await waiting;
        Assert.Equal((1, $"{id}  text.mp4\n"), (code, output));
        Assert.Contains("The video is rejected. It is a text. Send a video.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_sent_is_said_and_the_others_are_sent()
    {
        var (empty, good) = (await FileAsync("empty.mp4", 0), await FileAsync("good.mp4", 10));
        var (code, output, errors) = await RunAsync(empty, good);
        Assert.Equal(1, code);
        Assert.Contains("empty.mp4: The server answered 422: The file is empty.", errors, StringComparison.Ordinal);
        Assert.EndsWith("good.mp4\n", output, StringComparison.Ordinal);
        (code, _, errors) = await RunAsync(good, "none.mp4");
        Assert.Equal(1, code);
        Assert.Contains("'none.mp4' does not exist", errors, StringComparison.Ordinal);
        (code, _, errors) = await RunWithAsync("no key", good);
        Assert.Equal(1, code);
        Assert.Contains("The server answered 401", errors, StringComparison.Ordinal);
    }

    private async Task<string> FileAsync(string name, int length)
    {
        var file = Path.Combine(folder, name);
        await File.WriteAllBytesAsync(file, TusHarness.Bytes(length));
        return file;
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) =>
        RunWithAsync(TestKeys.Publisher, arguments);

    private Task<(int ExitCode, string Output, string Errors)> RunWithAsync(string key, params string[] arguments) =>
        Command.RunAsync(
            Limit,
            EventStreamProcess.Program,
            ["upload", .. arguments, "--url", upload.Url],
            environment: new Dictionary<string, string> { ["EVENTSTREAM_PUBLISHER_KEY"] = key }
        );

    private async Task<long> TotalAsync() => (await upload.JsonAsync("/v1/videos")).GetProperty("total").GetInt64();

    /// <summary>Bytes of the one video that are stored.</summary>
    private async Task<long> ReceivedAsync()
    {
        var videos = (await upload.JsonAsync("/v1/videos")).GetProperty("videos");
        if (videos.GetArrayLength() == 0)
            return 0;
        JsonElement video = await upload.JsonAsync($"/v1/videos/{videos[0].GetProperty("id").GetString()}");
        return video.GetProperty("receivedBytes").GetInt64();
    }
}
