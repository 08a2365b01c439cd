using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Planner;
using EventStream.EventStore;
using EventStream.Integration.Tests.EventStore;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Encode;

/// <summary>The load of the lanes, measured on the real PostgreSQL; time is turned by hand.</summary>
public sealed class LaneLoadTests : IAsyncLifetime
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);
    private readonly HandClock clock = new();
    private readonly VideoId id = EncodeSamples.Id;
    private readonly Said said = new();
    private readonly EncodeJob job = EncodeSamples.Begun.Aggregate(new EncodeJob(), (job, next) => job.Fold(next));
    private TestStore store = null!;

    public async Task InitializeAsync()
    {
        clock.Turn(EncodeSamples.T2 - clock.GetUtcNow());
        store = await TestStore.StartAsync("load", EncodeStore.Service, withDaemon: true);
    }

    public async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public async Task Each_step_is_published_once_by_one_of_two_planners_with_what_waits_and_what_arrived()
    {
        Assert.Equal(1, await LoadAsync());
        Assert.Equal(4, said.All.Count());
        Assert.All(
            said.Of<LoadMeasured>(),
            load => Assert.Equal((0, 10, "seconds"), (load.Value, load.StepSeconds, load.Unit))
        );

        await ReportAsync(EncodeSamples.Uploaded with { UploadedAt = clock.GetUtcNow() });
        await ReportAsync(EncodeSamples.Probed);
        clock.Turn(Step);
        Assert.Equal(1, (await Task.WhenAll(LoadAsync(), LoadAsync())).Sum());
        var (fast, heavy) = (job.SecondsOf("360p"), job.SecondsOf("rungs") + job.SecondsOf("thumbnails"));
        Assert.Equal(Rounded(fast, 0.5 + fast, heavy, heavy), Newest());

        // What a worker has begun does not wait any more, and what was told before is not told again.
        await ReportAsync(EncodeSamples.Started("360p", 1));
        clock.Turn(Step);
        Assert.Equal(1, await LoadAsync());
        Assert.Equal(0, await LoadAsync());
        Assert.Equal(Rounded(0, 0, heavy, 0), Newest());
        Assert.Equal(12, said.All.Select(told => told.EventId).Distinct().Count());
        Assert.Equal(12, said.All.Count());
    }

    [Fact]
    public async Task Steps_that_no_planner_published_are_made_up_for_with_what_arrived_in_them()
    {
        await LoadAsync();
        await ReportAsync(EncodeSamples.Uploaded with { UploadedAt = clock.GetUtcNow() });
        var arrived = clock.GetUtcNow();
        clock.Turn(Step * 3);
        Assert.Equal(3, await LoadAsync());
        var fast = said.Of<LoadMeasured>().Where(load => load.Resource == "encode:fast:arriving").Skip(1).ToList();
        Assert.Equal([0.5, 0, 0], fast.Select(load => load.Value));
        Assert.InRange(arrived, fast[0].Time, fast[0].Time + Step);
        Assert.Single(said.Of<LoadMeasured>().Where(load => load.Resource == "encode:fast:waiting").Skip(1));
        clock.Turn(Step * 1000);
        Assert.Equal(LaneLoad.StepsMax, await LoadAsync());
    }

    [Fact]
    public async Task A_step_is_measured_when_what_was_decided_in_it_is_stored()
    {
        Assert.Equal(1, await LoadAsync());
        clock.Turn(Step - TimeSpan.FromSeconds(1));
        Assert.Equal(0, await LoadAsync());
        clock.Turn(TimeSpan.FromSeconds(1));
        Assert.Equal(1, await LoadAsync());
    }

    [Fact]
    public async Task The_seconds_follow_what_workers_report_also_for_the_next_planner()
    {
        foreach (var report in (IMessage[])[EncodeSamples.Uploaded, EncodeSamples.Probed])
            await ReportAsync(report);
        var seconds = job.SecondsOf("360p") * 3;
        await ReportAsync(EncodeSamples.Encoded("360p") with { EncodeSeconds = seconds });
        // A report that comes again teaches nothing.
        await ReportAsync(EncodeSamples.Encoded("360p") with { EncodeSeconds = 100 * seconds });
        var other = VideoId.New(EncodeSamples.T2);
        foreach (
            var report in (IMessage[])
                [EncodeSamples.Uploaded with { VideoId = other }, EncodeSamples.Probed with { VideoId = other }]
        )
            await ReportAsync(report);
        await LoadAsync();
        Assert.Equal(seconds, Newest()[0], 0.01);
    }

    /// <summary>The newest values: fast waiting and arriving, heavy waiting and arriving; to milliseconds.</summary>
    private double[] Newest() =>
        [
            .. from resource in (string[])["fast:waiting", "fast:arriving", "heavy:waiting", "heavy:arriving"]
            select said.Of<LoadMeasured>().Last(load => load.Resource == $"encode:{resource}").Value,
        ];

    private static double[] Rounded(params double[] seconds) => Array.ConvertAll(seconds, one => Math.Round(one, 3));

    /// <summary>A planner of its own publishes.</summary>
    private Task<int> LoadAsync() =>
        new LaneLoad(
            new JobQueue(store.Documents),
            new TaskHeartbeats(store.Source, clock),
            new LanePace(store.Source),
            store.Get<StoreStatus>(),
            store.Source,
            said,
            new EncodeOptions(),
            clock,
            NullLogger<LaneLoad>.Instance
        ).PublishAsync(CancellationToken.None);

    private Task ReportAsync(IMessage report) =>
        new JobProcess(
            store.Decider<EncodeJob>(),
            new TaskHeartbeats(store.Source, clock),
            new FirstLane(store.Source, clock),
            new LanePace(store.Source),
            new RungDemand(store.Source),
            () => EncodeSamples.Rules,
            clock,
            NullLogger<JobProcess>.Instance
        ).HandleAsync(new ConsumedMessage("encode.events", 0, 0, $"{id}", "e", default, report, null), default);
}
