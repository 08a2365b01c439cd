using EventStream.Contracts;
using EventStream.EventStore;

namespace EventStream.Benchmarks.EventStore;

/// <summary>
/// Appends to new and to existing streams beside the same inserts by hand, by one caller and by eight, one event at a
/// time and ten: events a second, and the CPU that client and server spend on a million events.
/// </summary>
internal static class AppendBenchmark
{
    /// <summary>Appends of a round: half a second of a caller alone, and of eight together.</summary>
    private const int AppendsOfOne = 1200;
    private const int AppendsOfMany = 2400;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var bench = await BenchStore.StartAsync();
        var figures = new List<Figure>();
        foreach (var callers in (int[])[1, 8])
        {
            foreach (var events in (int[])[1, 10])
            {
                figures.AddRange(await MeasureAsync(bench, callers, events, existing: false));
                figures.AddRange(await MeasureAsync(bench, callers, events, existing: true));
            }
        }

        return figures;
    }

    private static async Task<IReadOnlyList<Figure>> MeasureAsync(
        BenchStore bench, int callers, int events, bool existing)
    {
        var contestants = new[]
        {
            (Func<string, long, IReadOnlyList<NewEvent>, Task>)((stream, version, batch) => bench.Store.AppendAsync(
                stream, ExpectedVersion.Exactly(version), batch, EventMetadata.None, CancellationToken.None)),
            bench.InsertAsync,
        };
        var appends = callers == 1 ? AppendsOfOne : AppendsOfMany;
        var cost = await Measure.CostsAsync(
            Measure.Many, appends * events, bench.CpuSeconds,
            [.. contestants.Select(append =>
                (Func<Task>)(() => ManyAsync(append, appends, callers, events, existing)))]);
        var name = $"append {events} to {(existing ? "existing" : "new")} streams, {callers} callers";
        return
        [
            Figure.AgainstLimit(name, "events/s", cost[0].Rate, cost[1].Rate, ">= 0.85"),
            Figure.AgainstLimit($"{name}, CPU", "CPU-s/M", cost[0].CpuPerMillion, cost[1].CpuPerMillion,
                callers == 1 ? "" : $"<= {ThirdOfMarten(events, existing)} CPU-s/M"),
        ];
    }

    /// <summary>
    /// A third of what Marten 9.29 in its quick mode takes for the same with eight sessions on a machine of this kind,
    /// client and server together: 1024, 1486 and 252 CPU seconds a million events.
    /// </summary>
    private static int ThirdOfMarten(int events, bool existing) => events > 1 ? 84 : existing ? 495 : 341;

    /// <summary>Each caller has a stream to itself, or a new one each time.</summary>
    public static Task ManyAsync(
        Func<string, long, IReadOnlyList<NewEvent>, Task> append, int appends, int callers, int events,
        bool existing) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            var (stream, version) = ($"video-{Guid.CreateVersion7()}", 0L);
            for (var i = 0; i < appends / callers; i++)
            {
                await append(stream, version, Samples.Events(events));
                version += events;
                if (existing) continue;
                (stream, version) = ($"video-{Guid.CreateVersion7()}", 0);
            }
        })));
}

/// <summary>Events as the platform has them: some 330 bytes of JSON.</summary>
internal static class Samples
{
    public static List<NewEvent> Events(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => new NewEvent(Guid.NewGuid(), Event()))];

    private static VideoUploaded Event() => new(
        VideoId.New(TimeProvider.System.GetUtcNow()),
        "sources/0190b5e4-0000-7000-8000-000000000000/source-of-a-video-with-a-name-of-the-usual-length.mp4",
        22_718_509, new string('a', 64), TimeProvider.System.GetUtcNow());
}
