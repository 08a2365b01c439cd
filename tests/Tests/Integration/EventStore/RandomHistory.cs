using EventStream.Contracts;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// Events drawn from a seed and appended by several callers at once, kept beside as plain lists: the model that
/// projections are held against.
/// </summary>
internal sealed class RandomHistory
{
    private readonly Dictionary<string, List<IEvent>> streams = new(StringComparer.Ordinal);

    public int Count => streams.Values.Sum(events => events.Count);

    /// <summary>Appends so many times, four callers beside each other, each to streams of its own.</summary>
    public static async Task<RandomHistory> AppendAsync(StoreRig rig, Random random, int streams, int appends)
    {
        var model = new RandomHistory();
        await model.GoOnAsync(rig, random, streams, appends);
        return model;
    }

    /// <summary>Appends more.</summary>
    public async Task GoOnAsync(StoreRig rig, Random random, int count, int appends, string prefix = "video-")
    {
        var plan = new List<(string Stream, List<IEvent> Events)>();
        for (var i = 0; i < appends; i++)
        {
            var stream = $"{prefix}{random.Next(count):000}";
            if (!streams.TryGetValue(stream, out var held)) streams.Add(stream, held = []);
            var events = Enumerable.Range(0, random.Next(1, 6))
                .Select(n => SampleEvents.Draw(random, held.Count + n)).ToList();
            held.AddRange(events);
            plan.Add((stream, events));
        }

        var callers = plan.GroupBy(append => append.Stream[^1] % 4);
        await Task.WhenAll(callers.Select(async caller =>
        {
            foreach (var (stream, events) in caller) await rig.AppendAsync(stream, events);
        }));
    }

    /// <summary>What <see cref="VideoLife"/> is: id, status, events since the last rejection.</summary>
    public List<string> Lives(string uploaded = "uploaded")
    {
        var lives = new List<string>();
        foreach (var (stream, events) in streams.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var since = events.Skip(events.FindLastIndex(e => e is VideoRejected) + 1).ToList();
            if (since.Count == 0) continue;
            var status = since.Select(e => e switch
            {
                VideoRegistered => "registered",
                VideoUploaded => uploaded,
                _ => "published",
            }).Last();
            lives.Add($"{stream["video-".Length..]}|{status}|{since.Count}");
        }

        return lives;
    }

    /// <summary>What <see cref="PublisherTotals"/> is.</summary>
    public List<string> Totals() =>
    [
        .. streams.Values.SelectMany(events => events).OfType<VideoRegistered>()
            .GroupBy(e => e.Publisher, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => $"{group.Key}|{group.Count()}|{group.Sum(e => e.SizeBytes)}"),
    ];

    /// <summary>What <see cref="VideoRows"/> counts.</summary>
    public List<string> Touched() =>
    [
        .. streams.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => (pair.Key, pair.Value.Count - 1 - pair.Value.FindLastIndex(e => e is VideoRejected)))
            .Where(pair => pair.Item2 > 0).Select(pair => $"{pair.Key}|{pair.Item2}"),
    ];
}
