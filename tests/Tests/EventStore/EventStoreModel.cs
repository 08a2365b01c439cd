using EventStream.Contracts;
using EventStream.EventStore;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Tests.EventStore;

/// <summary>One thing that a random writer does to one of a few streams.</summary>
public sealed record WriterStep(int Stream, string What, long Expected, int Count)
{
    /// <summary>
    /// Histories of some writers, each a list of steps. What they expect is often right and often not.
    /// </summary>
    public static Gen<WriterStep[][]> Writers(int writers, int steps)
    {
        var what = Gen.Frequency(
            (12, Gen.Constant("append")), (3, Gen.Constant("repeat")), (2, Gen.Constant("many")),
            (1, Gen.Constant("archive")), (2, Gen.Constant("restore")));
        var expected = Gen.Frequency(
            (4, Gen.Constant(-2L)), (2, Gen.Constant(-1L)), (2, Gen.Constant(0L)),
            (5, Gen.Choose(1, 6).Select(v => (long)v)));
        var step = from stream in Gen.Choose(0, 2)
                   from kind in what
                   from version in expected
                   from count in Gen.Choose(1, 3)
                   select new WriterStep(stream, kind, version, count);
        return step.ArrayOf(steps).ArrayOf(writers);
    }

    public ExpectedVersion Version => Expected switch
    {
        -2 => ExpectedVersion.Any,
        -1 => ExpectedVersion.Exists,
        _ => ExpectedVersion.Exactly(Expected),
    };

    public override string ToString() => $"{What} {Count} to {Stream} at {Version}";
}

/// <summary>
/// Runs writers against a store at the same time and notes what each was told; then the store must hold exactly what
/// was promised, in streams without gaps, whatever the order was.
/// </summary>
internal sealed class EventStoreModel(IEventStore store, string run)
{
    private readonly Lock gate = new();
    private readonly List<(string Stream, AppendResult Result, IReadOnlyList<NewEvent> Events)> promised = [];

    public async Task RunAsync(WriterStep[][] writers)
    {
        await Task.WhenAll(writers.Select(steps => Task.Run(() => WriteAsync(steps))));
        foreach (var stream in promised.Select(one => one.Stream).Distinct()) await CheckAsync(stream);
        await CheckLogAsync();
    }

    private async Task WriteAsync(WriterStep[] steps)
    {
        (string Stream, ExpectedVersion Expected, IReadOnlyList<NewEvent> Events, AppendResult Result)? last = null;
        foreach (var step in steps)
        {
            var (stream, events) = (NameOf(step.Stream), New(step.Count));
            try
            {
                switch (step.What)
                {
                    case "append":
                        var result = await store.AppendAsync(stream, step.Version, events, EventMetadata.None, default);
                        last = (stream, step.Version, events, result);
                        Promise(stream, result, events);
                        break;
                    case "repeat" when last is { } before:
                        // Whatever happened since, the answer is the first one.
                        Assert.Equal(before.Result with { Repeated = true }, await store.AppendAsync(
                            before.Stream, before.Expected, before.Events, EventMetadata.None, default));
                        break;
                    case "many":
                        var other = NameOf((step.Stream + 1) % 3);
                        var more = New(1);
                        var results = await store.AppendManyAsync(
                            [new(stream, step.Version, events), new(other, ExpectedVersion.Any, more)],
                            EventMetadata.None, default);
                        Promise(stream, results[0], events);
                        Promise(other, results[1], more);
                        break;
                    case "archive":
                        await store.ArchiveAsync(stream, default);
                        break;
                    case "restore":
                        await store.RestoreAsync(stream, default);
                        break;
                }
            }
            catch (WrongExpectedVersionException e)
            {
                Assert.False(e.Expected.Matches(e.Actual), $"{e.Actual} was refused and {e.Expected} was expected.");
            }
            catch (EventStoreException e) when (e is StreamArchivedException or StreamNotFoundException)
            {
                // Another writer put it away, or nobody has written yet.
            }
        }
    }

    private async Task CheckAsync(string stream)
    {
        var held = new List<RecordedEvent>();
        await foreach (var e in store.FetchStreamAsync(stream, new StreamRange { IncludeArchived = true })) held.Add(e);
        Assert.Equal(Enumerable.Range(1, held.Count).Select(v => (long)v), held.Select(e => e.Version));
        Assert.Equal(held.Select(e => e.Position).Order(), held.Select(e => e.Position));
        Assert.Equal(held.Count, (await store.FetchStreamStateAsync(stream, default))!.Version);
        var mine = promised.Where(one => one.Stream == stream).ToList();
        Assert.Equal(mine.Sum(one => one.Events.Count), held.Count);
        foreach (var (_, result, events) in mine)
        {
            var there = held.Skip((int)result.Version - events.Count).Take(events.Count).ToList();
            Assert.Equal(events.Select(e => e.Id), there.Select(e => e.Id));
            Assert.Equal(result.Position, there[^1].Position);
        }
    }

    private async Task CheckLogAsync()
    {
        var wanted = promised.SelectMany(one => one.Events).Select(e => e.Id).ToHashSet();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var (after, seen) = (0L, new List<RecordedEvent>());
        while (seen.Count < wanted.Count)
        {
            var page = await store.ReadAllAsync(after, 100, patience.Token);
            patience.Token.ThrowIfCancellationRequested();
            seen.AddRange(page.Where(e => wanted.Contains(e.Id)));
            if (page.Count > 0) after = page[^1].Position;
        }

        Assert.Equal(wanted, seen.Select(e => e.Id).ToHashSet());
        Assert.Equal(seen.Select(e => e.Position).Order(), seen.Select(e => e.Position));
    }

    private void Promise(string stream, AppendResult result, IReadOnlyList<NewEvent> events)
    {
        lock (gate) promised.Add((stream, result, events));
    }

    private string NameOf(int stream) => $"model-{run}-{stream}";

    private static List<NewEvent> New(int count) => [.. Enumerable.Range(0, count).Select(_ => new NewEvent(
        Guid.NewGuid(), new VideoPublished(VideoId.New(DateTimeOffset.UnixEpoch), DateTimeOffset.UnixEpoch)))];
}
