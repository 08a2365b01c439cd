using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Planner;
using EventStream.Integration.Tests.EventStore;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Two videos at once, on the real PostgreSQL: while the first rung of one waits, the other tasks of the other are
/// held. Time is turned by hand.
/// </summary>
public sealed class FirstLaneTests : IAsyncLifetime
{
    private readonly HandClock clock = new();
    private readonly VideoId early = EncodeSamples.Id;
    private readonly VideoId late = VideoId.New(EncodeSamples.T2);
    private TestStore store = null!;

    public async Task InitializeAsync()
    {
        clock.Turn(EncodeSamples.T2 - clock.GetUtcNow());
        store = await TestStore.StartAsync("lanes", EncodeStore.Service, withDaemon: true);
        await ReportAsync(EncodeSamples.Uploaded);
        await ReportAsync(EncodeSamples.Uploaded with { VideoId = late });
        await ReportAsync(EncodeSamples.Probed);
    }

    public async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public async Task Other_tasks_are_held_until_no_first_rung_waits()
    {
        await ReportAsync(EncodeSamples.Encoded("360p"));
        Assert.Empty(await ReleasedAsync());
        await ReportAsync(EncodeSamples.Probed with { VideoId = late });
        Assert.Empty(await ReleasedAsync());
        await ReportAsync(EncodeSamples.Started("probe", 1) with { VideoId = late });
        Assert.Empty(await ReleasedAsync());
        await ReportAsync(EncodeSamples.Started("360p", 1) with { VideoId = late });
        Assert.Equal([$"{early}"], await ReleasedAsync());
        await ReportAsync(EncodeSamples.Encoded("360p") with { VideoId = late });
        Assert.Equal(2, (await ReleasedAsync()).Count);
        Assert.Empty(await store.RowsAsync("select video_id from first_lane"));
    }

    [Fact]
    public async Task The_quality_of_what_is_made_is_held_as_well()
    {
        await ReportAsync(EncodeSamples.Rejected with { VideoId = late });
        await ReportAsync(EncodeSamples.Encoded("360p"));
        await ReportAsync(EncodeSamples.EncodedTogether());
        var third = VideoId.New(EncodeSamples.T2.AddSeconds(1));
        await ReportAsync(EncodeSamples.Uploaded with { VideoId = third });
        await ReportAsync(EncodeSamples.Pictures);
        Assert.Empty(await ReleasedAsync("encode.measure-quality.v1"));
        await ReportAsync(EncodeSamples.Rejected with { VideoId = third });
        Assert.Equal([$"{early}"], await ReleasedAsync("encode.measure-quality.v1"));
    }

    [Fact]
    public async Task A_first_rung_that_is_tried_again_waits_again()
    {
        await ReportAsync(EncodeSamples.Probed with { VideoId = late });
        await ReportAsync(EncodeSamples.Started("360p", 1) with { VideoId = late });
        await ReportAsync(EncodeSamples.Failed("360p", 1) with { VideoId = late });
        await ReportAsync(EncodeSamples.Encoded("360p"));
        Assert.Empty(await ReleasedAsync());
    }

    [Fact]
    public async Task What_is_held_goes_out_when_the_video_before_it_is_rejected()
    {
        await ReportAsync(EncodeSamples.Encoded("360p"));
        await ReportAsync(EncodeSamples.Rejected with { VideoId = late });
        Assert.Equal([$"{early}"], await ReleasedAsync());
    }

    [Fact]
    public async Task First_rungs_that_nobody_takes_hold_the_others_for_a_while_only()
    {
        await ReportAsync(EncodeSamples.Encoded("360p"));
        var monitor = new StalledTaskMonitor(
            new JobQueue(store.Documents),
            Planner(),
            Heartbeats,
            new EncodeOptions(),
            clock,
            NullLogger<StalledTaskMonitor>.Instance
        );
        clock.Turn(FirstLane.HeldMax);
        await monitor.LookAsync(CancellationToken.None);
        Assert.Empty(await ReleasedAsync());
        clock.Turn(TimeSpan.FromSeconds(1));
        await monitor.LookAsync(CancellationToken.None);
        Assert.Equal([$"{early}"], await ReleasedAsync());
    }

    /// <summary>Videos of which a command was sent, such as that of the thumbnails, among the other tasks.</summary>
    private Task<List<string>> ReleasedAsync(string command = "encode.make-thumbnails.v1") =>
        store.RowsAsync($"select stream_id from mt_events where type = '{command}' order by seq_id");

    private TaskHeartbeats Heartbeats => new(store.Source, clock);

    private JobProcess Planner() =>
        new(
            store.Decider<EncodeJob>(),
            Heartbeats,
            new FirstLane(store.Source, clock),
            new LanePace(store.Source),
            () => EncodeSamples.Rules,
            clock,
            NullLogger<JobProcess>.Instance
        );

    private Task ReportAsync(IMessage report) =>
        Planner()
            .HandleAsync(
                new ConsumedMessage("encode.events", 0, 0, "k", "e", default, report, null),
                CancellationToken.None
            );
}
