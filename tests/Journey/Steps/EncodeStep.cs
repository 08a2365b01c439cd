using System.Globalization;
using EventStream.Contracts;

namespace EventStream.Journey.Steps;

/// <summary>
/// Follows the encode on the topics themselves: the aggregate's events in their order, each task's progress, and that
/// the first rung is playable while the top one is still at work.
/// </summary>
public static class EncodeStep
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(8);
    private const int RungsMin = 5;

    public static async Task RunAsync(Platform platform, Facts facts, Show show, CancellationToken cancellation)
    {
        using var topics = new TopicReader(platform, [Topics.VideoEvents, Topics.EncodeEvents]);
        var video = VideoId.Parse(facts.VideoId);
        var story = new EncodeStory(video);
        await Wait.UntilAsync(
            "the video is published",
            Timeout,
            cancellation,
            () =>
            {
                foreach (var (message, _) in topics.Read())
                    story.Take(message, show);
                if (story.Failure is { } failure)
                    throw new JourneyException($"encode: {failure}");
                if (story.Progress.Length > 0)
                    show.Live(story.Progress);
                return Task.FromResult(story.Published is not null);
            }
        );
        foreach (var (message, _) in topics.Read())
            story.Take(message, show);
        Check(story);
        facts.Timeline = story.Names;
        facts.FirstRungSeconds = (story.Playable!.Value - story.Uploaded!.Value).TotalSeconds;
        facts.PublishedSeconds = (story.Published!.Value - story.Uploaded.Value).TotalSeconds;
        facts.Tasks = story.Tasks();
        show.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"first rung playable after {facts.FirstRungSeconds:0.0} s, all {story.Rungs} rungs after "
                    + $"{facts.PublishedSeconds:0.0} s"
            )
        );
    }

    private static void Check(EncodeStory story)
    {
        string[] order =
        [
            "video.registered.v1",
            "video.uploaded.v1",
            "video.probed.v1",
            "video.encode-planned.v1",
            "video.rendition-encoded.v1",
            "video.playable.v1",
            "video.published.v1",
        ];
        var places = order.Select(name => story.Names.IndexOf(name)).ToList();
        if (places.Contains(-1) || !places.SequenceEqual(places.Order()))
            throw new JourneyException($"event store: video.events is out of order: {string.Join(", ", story.Names)}");
        if (story.Rungs < RungsMin)
            throw new JourneyException($"encode: {story.Rungs} rungs instead of {RungsMin}");
        if (story.Playable >= story.TopRungDone)
            throw new JourneyException("encode: the first rung was not playable before the top one was finished");
    }
}

/// <summary>The events of one video put together. Times are those of the events.</summary>
internal sealed class EncodeStory(VideoId video)
{
    private readonly Dictionary<string, (DateTimeOffset Started, string Worker, double Fraction)> running = [];
    private readonly Dictionary<string, (DateTimeOffset Started, DateTimeOffset Done, string Worker)> done = [];
    private string topRung = "";

    public List<string> Names { get; } = [];
    public DateTimeOffset? Uploaded { get; private set; }
    public DateTimeOffset? Playable { get; private set; }
    public DateTimeOffset? Published { get; private set; }
    public DateTimeOffset? TopRungDone { get; private set; }
    public string? Failure { get; private set; }
    public int Rungs { get; private set; }

    /// <summary>Progress of each running task in one line.</summary>
    public string Progress =>
        string.Join(
            "  ",
            running
                .OrderBy(task => task.Value.Started)
                .Select(task =>
                    string.Create(CultureInfo.InvariantCulture, $"{task.Key} {task.Value.Fraction * 100:0} %")
                )
        );

    public IReadOnlyList<TaskFacts> Tasks() =>
        [
            .. done.OrderBy(task => task.Value.Started)
                .Select(task => new TaskFacts(
                    task.Key,
                    (task.Value.Started - Uploaded!.Value).TotalSeconds,
                    (task.Value.Done - Uploaded.Value).TotalSeconds,
                    task.Value.Worker
                )),
        ];

    public void Take(IMessage message, Show show)
    {
        switch (message)
        {
            case VideoUploaded e when e.VideoId == video:
                Uploaded = e.UploadedAt;
                break;
            case VideoEncodePlanned e when e.VideoId == video:
                Rungs = e.Ladder.Count;
                topRung = e.Ladder.MaxBy(rung => rung.Height)!.Name;
                show.Line($"planned {string.Join(" ", e.Ladder.Select(rung => rung.Name))}");
                break;
            case EncodeLadderChosen e when e.VideoId == video:
                Rungs = e.Ladder.Count;
                topRung = e.Ladder[^1].Name;
                Done("analysis", e.ChosenAt);
                show.Line($"chosen for the title: {string.Join(" ", e.Ladder.Select(Words))}");
                break;
            case VideoPlayable e when e.VideoId == video:
                Playable = e.PlayableAt;
                show.Line($"playable: {e.FirstRung}");
                break;
            case VideoPublished e when e.VideoId == video:
                Published = e.PublishedAt;
                break;
            case VideoRejected e when e.VideoId == video:
                Failure = $"the source was rejected: {e.Reason}";
                break;
            case VideoEncodeFailed e when e.VideoId == video:
                Failure = $"{e.Task}: {e.Cause}";
                break;
            default:
                TakeTask(message);
                break;
        }

        if (Subject(message) == video && message.GetType().Name.StartsWith("Video", StringComparison.Ordinal))
            Names.Add(MessageTypes.NameOf(message.GetType()));
    }

    private void TakeTask(IMessage message)
    {
        switch (message)
        {
            case EncodeTaskStarted e when e.VideoId == video:
                running[e.Task] = (e.StartedAt, e.Worker, 0);
                break;
            case EncodeTaskProgressed e when e.VideoId == video && running.TryGetValue(e.Task, out var task):
                running[e.Task] = task with { Fraction = e.Fraction };
                break;
            case SourceProbed e when e.VideoId == video:
                Done("probe", e.ProbedAt);
                break;
            case RenditionEncoded e when e.VideoId == video:
                Done(e.TaskName(), e.EncodedAt);
                if (e.All().Any(rendition => rendition.Name == topRung))
                    TopRungDone = e.EncodedAt;
                break;
            case ThumbnailsMade e when e.VideoId == video:
                Done("thumbnails", e.MadeAt);
                break;
            default:
                break;
        }
    }

    private static string Words(Rung rung) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{rung.Name} ({(rung.Crf is { } crf ? $"CRF {crf}, at most " : "")}{rung.VideoBitrateBps / 1000} kbit/s)"
        );

    private void Done(string task, DateTimeOffset at)
    {
        if (running.Remove(task, out var started))
            done[task] = (started.Started, at, started.Worker);
    }

    private static VideoId? Subject(IMessage message) =>
        message.GetType().GetProperty("VideoId")?.GetValue(message) as VideoId?;
}
