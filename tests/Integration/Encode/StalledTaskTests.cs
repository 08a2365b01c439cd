using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Planner;
using EventStream.Integration.Tests.EventStore;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Heartbeats and the monitor over them, on the real PostgreSQL; time is turned by hand.</summary>
public sealed class StalledTaskTests : IAsyncLifetime
{
    private readonly HandClock clock = new();
    private readonly VideoId id = EncodeSamples.Id;
    private TestStore store = null!;

    public async Task InitializeAsync()
    {
        clock.Turn(EncodeSamples.T2 - clock.GetUtcNow());
        store = await TestStore.StartAsync("stalled", EncodeStore.Service, withDaemon: true);
        foreach (
            var message in (IMessage[])[EncodeSamples.Uploaded, EncodeSamples.Probed, EncodeSamples.Encoded("360p")]
        )
            await Planner().HandleAsync(Consumed(message), CancellationToken.None);
        await store.WaitAsync(JobQueueProjection.ReaderName);
    }

    public async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public async Task A_silent_task_is_sent_again_once_whoever_of_two_planners_looks()
    {
        // Both planners run from the start; the first alone receives the reports.
        var (one, other) = (Monitor(Planner()), Monitor(Planner()));
        await ReportAsync(EncodeSamples.Started("rungs", 1));
        clock.Turn(TimeSpan.FromSeconds(60));
        await ReportAsync(new EncodeTaskProgressed(id, "rungs", "w1", 0.25, 2, clock.GetUtcNow()));
        clock.Turn(TimeSpan.FromSeconds(60));
        Assert.Equal(0, await other.LookAsync(CancellationToken.None));

        clock.Turn(TimeSpan.FromSeconds(40));
        var added = await Task.WhenAll(one.LookAsync(CancellationToken.None), other.LookAsync(CancellationToken.None));
        Assert.Equal(2, added.Sum());
        Assert.Equal(
            ["240p|2"],
            await store.RowsAsync(
                "select data->'rung'->>'name', data->>'attempt' from mt_events "
                    + "where type = 'encode.encode-rung.v1' and data->>'attempt' <> '1'"
            )
        );
    }

    [Fact]
    public async Task A_command_that_no_worker_takes_is_sent_again_as_the_same_attempt()
    {
        clock.Turn(TimeSpan.FromMinutes(14));
        Assert.Equal(0, await Monitor(Planner()).LookAsync(CancellationToken.None));
        clock.Turn(TimeSpan.FromMinutes(1));
        // A decision and a command for each of two tasks.
        Assert.Equal(4, await Monitor(Planner()).LookAsync(CancellationToken.None));
        await store.WaitAsync(JobQueueProjection.ReaderName);
        clock.Turn(TimeSpan.FromMinutes(29));
        Assert.Equal(0, await Monitor(Planner()).LookAsync(CancellationToken.None));
        clock.Turn(TimeSpan.FromMinutes(1));
        Assert.Equal(4, await Monitor(Planner()).LookAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Late_and_repeated_reports_leave_no_heartbeat_behind()
    {
        await ReportAsync(EncodeSamples.Started("thumbnails", 1));
        await ReportAsync(EncodeSamples.Pictures);
        await ReportAsync(new EncodeTaskProgressed(id, "thumbnails", "w1", 0.9, 2, clock.GetUtcNow()));
        Assert.Empty(await store.RowsAsync("select task from task_heartbeats"));

        await ReportAsync(EncodeSamples.Failed("rungs", 1, willRetry: false));
        await ReportAsync(EncodeSamples.Started("rungs", 1));
        var monitor = Monitor(Planner());
        clock.Turn(TimeSpan.FromMinutes(10));
        Assert.Equal(0, await monitor.LookAsync(CancellationToken.None));
        Assert.Empty(await store.RowsAsync("select task from task_heartbeats"));
    }

    [Fact]
    public async Task Jobs_are_listed_newest_first_by_phase()
    {
        var queue = new JobQueue(store.Documents);
        var other = VideoId.New(EncodeSamples.T2);
        await ReportAsync(EncodeSamples.Uploaded with { VideoId = other, UploadedAt = EncodeSamples.T2 });
        await store.WaitAsync(JobQueueProjection.ReaderName);
        Assert.Equal([other, id], (await queue.NewestAsync(null, 10, CancellationToken.None)).Select(job => job.Id));
        var planned = Assert.Single(await queue.NewestAsync(JobPhase.Encoding, 10, CancellationToken.None));
        Assert.Equal(["360p", "probe", "rungs", "thumbnails"], planned.Tasks.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((EncodeSamples.Source, "360p"), (planned.Source, planned.FirstRung));
    }

    private FirstLane Lane => new(store.Source, clock);

    private TaskHeartbeats Heartbeats => new(store.Source, clock);

    private JobProcess Planner() =>
        new(
            store.Decider<EncodeJob>(),
            Heartbeats,
            Lane,
            new LanePace(store.Source),
            () => EncodeSamples.Rules,
            clock,
            NullLogger<JobProcess>.Instance
        );

    private StalledTaskMonitor Monitor(JobProcess planner) =>
        new(
            new JobQueue(store.Documents),
            planner,
            Heartbeats,
            new EncodeOptions(),
            clock,
            NullLogger<StalledTaskMonitor>.Instance
        );

    private Task ReportAsync(IMessage report) => Planner().HandleAsync(Consumed(report), CancellationToken.None);

    private ConsumedMessage Consumed(IMessage message) =>
        new("encode.events", 0, 0, $"{id}", "e", default, message, null);
}
