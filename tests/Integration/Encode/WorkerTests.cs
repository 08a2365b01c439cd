using System.Diagnostics;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Messaging.Kafka;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// One worker at its work: interruption, repetition and failure, with real encodes and without Kafka.
/// </summary>
public sealed class WorkerTests : IDisposable
{
    private static readonly SourceInfo Source = new(4, 320, 240, 25, "h264", null, 0, 1);
    private readonly EncodeRig rig = new();
    private readonly Said said = new();
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());

    public WorkerTests() =>
        rig.Clip("clip.mp4", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -c:v libx264 -preset ultrafast");

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task A_task_is_reported_from_its_start_to_its_outcome()
    {
        await rig.Worker("w1", said, rig.SlowFfmpeg()).HandleAsync(Command("240p"), false, CancellationToken.None);
        Assert.IsType<EncodeTaskStarted>(said.All.First().Message);
        Assert.IsType<RenditionEncoded>(said.All.Last().Message);
        var progress = said.Of<EncodeTaskProgressed>().ToList();
        Assert.True(progress.Count >= 2, "an encode of four seconds is heard of on its way");
        // The wall clock and the timer of the interval may differ by a little.
        var gaps = progress.Zip(progress.Skip(1), (one, next) => (next.At - one.At).TotalSeconds);
        Assert.All(gaps, seconds => Assert.True(seconds > 0.9));
        Assert.Equal(progress.OrderBy(p => p.Fraction), progress);
        Assert.True(progress[^1].Fraction > 0.4);
    }

    [Fact]
    public async Task A_command_that_comes_again_is_answered_from_its_receipt_under_the_same_event_id()
    {
        var worker = rig.Worker("w1", said);
        await worker.HandleAsync(Command("240p"), false, CancellationToken.None);
        // As a worker leaves it that is killed after its receipt.
        var lease = $"encode/{id}/240p.claim";
        await rig.Media.WriteAsync(lease, new MemoryStream("w1\n"u8.ToArray()), CancellationToken.None);
        await rig.Worker("w2", said).HandleAsync(Command("240p", attempt: 2), false, CancellationToken.None);
        Assert.Null(await rig.Media.StatAsync(lease, CancellationToken.None));
        Assert.Single(said.Of<EncodeTaskStarted>());
        var outcomes = said.All.Where(s => s.Message is RenditionEncoded).ToList();
        Assert.Equal(2, outcomes.Count);
        Assert.Equal(outcomes[0].EventId, outcomes[1].EventId);
        Assert.Equivalent(outcomes[0].Message, outcomes[1].Message);
    }

    [Fact]
    public async Task Another_bitrate_is_other_work()
    {
        var worker = rig.Worker("w1", said);
        await worker.HandleAsync(Command("240p"), false, CancellationToken.None);
        await worker.HandleAsync(Command("240p", bits: 200_000), false, CancellationToken.None);
        Assert.Equal(2, said.Of<EncodeTaskStarted>().Count());
    }

    [Fact]
    public async Task A_task_outlives_the_loss_of_its_partition_and_is_not_done_twice()
    {
        var (one, two) = (rig.Worker("w1", said, rig.SlowFfmpeg()), rig.Worker("w2", said));
        using var revoked = new CancellationTokenSource();
        var first = one.HandleAsync(Command("240p"), false, revoked.Token);
        await Until.TrueAsync(() => said.Of<EncodeTaskProgressed>().Any(), "progress");
        await revoked.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await two.HandleAsync(Command("240p"), false, CancellationToken.None);
        Assert.Equal("w1", Assert.Single(said.Of<EncodeTaskStarted>()).Worker);
        Assert.All(said.Of<RenditionEncoded>(), encoded => Assert.Equal("w1", encoded.Worker));
    }

    [Fact]
    public async Task A_stopping_worker_stops_its_ffmpeg_at_once_and_leaves_the_task_to_another()
    {
        var (one, two) = (rig.Worker("w1", said, rig.SlowFfmpeg()), rig.Worker("w2", said));
        using var consumer = new CancellationTokenSource();
        var handled = one.HandleAsync(Command("240p"), false, consumer.Token);
        await Until.TrueAsync(() => said.Of<EncodeTaskProgressed>().Any(), "progress");
        var begun = Stopwatch.GetTimestamp();
        one.BeginStop();
        await one.StopAsync(CancellationToken.None);
        Assert.InRange(Stopwatch.GetElapsedTime(begun).TotalSeconds, 0, 5);
        Assert.False(handled.IsCompleted, "the command must not be committed");
        await consumer.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => handled);
        Assert.Empty(said.Of<RenditionEncoded>());
        Assert.False(Directory.Exists(rig.PathOf($"media/{id}")), "nothing half done is reachable");
        Assert.False(Directory.Exists(Path.Combine(rig.Folder, "work", "w1")), "the work folder is removed");

        await two.HandleAsync(Command("240p"), false, CancellationToken.None);
        Assert.Equal("w2", Assert.Single(said.Of<RenditionEncoded>()).Worker);
    }

    [Fact]
    public async Task A_task_that_is_not_wanted_any_more_stops_and_says_nothing()
    {
        var worker = rig.Worker("w1", said, rig.SlowFfmpeg());
        var handled = worker.HandleAsync(Command("240p"), false, CancellationToken.None);
        await Until.TrueAsync(() => said.Of<EncodeTaskProgressed>().Any(), "progress");
        await rig.Media.WriteAsync(EncodeStop.KeyOf(id), Text(""), CancellationToken.None);
        await handled.WaitAsync(TimeSpan.FromSeconds(10));
        await worker.HandleAsync(Command("360p"), false, CancellationToken.None);
        Assert.Single(said.Of<EncodeTaskStarted>());
        Assert.Empty(said.Of<RenditionEncoded>());
        Assert.Empty(said.Of<EncodeTaskFailed>());
        Assert.False(Directory.Exists(rig.PathOf($"media/{id}")), "nothing half done is reachable");
        Assert.False(File.Exists(rig.PathOf($"encode/{id}/240p.claim")), "the lease is given back");
    }

    [Fact]
    public async Task The_claim_of_a_dead_worker_runs_out()
    {
        var now = TimeProvider.System.GetUtcNow();
        var key = $"encode/{id}/240p.claim";
        await rig.Media.WriteAsync(key, Text($"dead\n{now.AddSeconds(-8):O}"), CancellationToken.None);
        var begun = Stopwatch.GetTimestamp();
        await rig.Worker("w1", said).HandleAsync(Command("240p"), false, CancellationToken.None);
        Assert.True(Stopwatch.GetElapsedTime(begun).TotalSeconds > 1.5);
        Assert.Single(said.Of<RenditionEncoded>());
        Assert.False(File.Exists(rig.PathOf(key)));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(3, false)]
    public async Task A_failure_tells_its_cause_and_whether_another_attempt_is_worth_it(int attempt, bool again)
    {
        await File.WriteAllTextAsync(rig.PathOf("sources/clip.mp4"), "no video");
        await rig.Worker("w1", said).HandleAsync(Command("240p", attempt), false, CancellationToken.None);
        var failed = Assert.Single(said.Of<EncodeTaskFailed>());
        Assert.Equal((attempt, again, "240p"), (failed.Attempt, failed.WillRetry, failed.Task));
        Assert.Contains("ffmpeg ended with code 1", failed.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_is_gone_is_a_failure_of_the_task()
    {
        File.Delete(rig.PathOf("sources/clip.mp4"));
        await rig.Worker("w1", said).HandleAsync(Command("240p"), false, CancellationToken.None);
        Assert.Contains(
            "There is no media under 'sources/clip.mp4'",
            Assert.Single(said.Of<EncodeTaskFailed>()).Cause,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_task_of_the_first_lane_begins_at_once_and_goes_before_those_that_wait()
    {
        var worker = rig.Worker("w1", said, rig.SlowFfmpeg());
        var brief = rig.Clip("brief.mp4", "-f lavfi -i testsrc2=size=320x240:duration=0.5 -c:v libx264");
        var running = worker.HandleAsync(Command("a"), false, CancellationToken.None);
        await Until.TrueAsync(() => said.Of<EncodeTaskStarted>().Any(), "the first start");
        var waiting = worker.HandleAsync(Command("b", source: brief), false, CancellationToken.None);
        var first = worker.HandleAsync(Command("c", source: brief), true, CancellationToken.None);
        await Task.WhenAll(running, waiting, first);
        Assert.Equal(["a", "c", "b"], said.Of<EncodeTaskStarted>().Select(started => started.Task));
        Assert.Equal(["c", "a", "b"], said.Of<RenditionEncoded>().Select(encoded => encoded.Rendition.Name));
    }

    private static MemoryStream Text(string text) => new(System.Text.Encoding.UTF8.GetBytes(text));

    private ConsumedMessage Command(
        string rung,
        int attempt = 1,
        int bits = 300_000,
        string source = "sources/clip.mp4"
    )
    {
        var command = new EncodeRung(
            id,
            source,
            Source,
            new Rung(rung, 320, 240, bits),
            2,
            EncodeTasks.OutputPrefix(id, rung),
            default,
            attempt
        );
        return new ConsumedMessage("encode.commands", 0, 0, $"{id}/{rung}", "e", default, command, null);
    }
}
