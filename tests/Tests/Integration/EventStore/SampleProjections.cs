using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Projections;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Answers: how far is this video, and how many events had it?</summary>
internal sealed record VideoLife(string Title, string Status, int Events)
{
    internal sealed class Projection(int version = 1, string name = "video-life")
        : SingleStreamProjection<VideoLife>(name, version, "video", SampleJson.Default.VideoLife)
    {
        /// <summary>What makes an event bad, for the tests of error policies.</summary>
        public Func<RecordedEvent, bool> Refuses { get; init; } = _ => false;

        protected override VideoLife? Evolve(VideoLife? document, RecordedEvent recorded)
        {
            if (Refuses(recorded)) throw new InvalidOperationException("it is refused");
            var life = document ?? new VideoLife("", "", 0);
            life = life with { Events = life.Events + 1 };
            return recorded.Data switch
            {
                VideoRegistered e => life with { Title = e.Title, Status = "registered" },
                VideoUploaded => life with { Status = Version > 1 ? "complete" : "uploaded" },
                VideoPublished => life with { Status = "published" },
                VideoRejected => null,
                _ => life,
            };
        }
    }
}

/// <summary>Answers: how much has a publisher brought?</summary>
internal sealed record PublisherTotals(int Videos, long SizeBytes)
{
    internal sealed class Projection(int version = 1, string name = "publisher-totals")
        : MultiStreamProjection<PublisherTotals>(name, version, SampleJson.Default.PublisherTotals)
    {
        protected override IEnumerable<string> Identities(RecordedEvent recorded) =>
            recorded.Data is VideoRegistered e ? [e.Publisher] : [];

        protected override PublisherTotals Evolve(PublisherTotals? document, string id, RecordedEvent recorded) =>
            recorded.Data is VideoRegistered e
                ? new((document?.Videos ?? 0) + 1, (document?.SizeBytes ?? 0) + e.SizeBytes)
                : document ?? new(0, 0);
    }
}

/// <summary>Answers: which videos are there, and how often was each touched? A flat table with a counter.</summary>
internal sealed class VideoRows(int version = 1, string name = "video-rows") : FlatTableProjection(
    name, version,
    [
        Column.Of<string>("stream", "text"), Column.Of<string>("title", "text"),
        Column.Of<long>("size_bytes", "bigint"), Column.Of<long>("touched", "bigint", "not null default 0"),
    ])
{
    protected override string Indexes => "create index {table}_title on {table} (title);";

    protected override void Project(RecordedEvent recorded, FlatRows rows)
    {
        if (!recorded.Stream.StartsWith("video-", StringComparison.Ordinal)) return;
        rows.Count(recorded.Stream, ("touched", 1));
        if (recorded.Data is VideoRegistered e)
            rows.Update(recorded.Stream, ("title", e.Title), ("size_bytes", e.SizeBytes));
        if (recorded.Data is VideoRejected) rows.Delete(recorded.Stream);
    }
}

/// <summary>Answers: what happened, in order? Plain SQL, one statement an event.</summary>
internal sealed class Journal(int version = 1, string name = "journal") : EventProjection(name, version)
{
    public override string Definition =>
        "create table {table} (position bigint primary key, stream text not null, title varchar(40));";

    protected override void Project(RecordedEvent recorded, SqlStatements sql) => sql.Queue(
        "insert into {table} values ($1, $2, $3)", recorded.Position, recorded.Stream,
        (recorded.Data as VideoRegistered)?.Title);
}

/// <summary>
/// Counts the events of each stream. The transaction of the first one is committed, but the connection breaks before
/// PostgreSQL says so.
/// </summary>
internal sealed class TallyWithALostAnswer() : EventProjection("tally", 1)
{
    private bool lost;

    public override string Definition => "create table {table} (stream text primary key, events int not null);";

    protected override void Project(RecordedEvent recorded, SqlStatements sql)
    {
        sql.Queue(
            "insert into {table} as t values ($1, 1) on conflict (stream) do update set events = t.events + 1",
            recorded.Stream);
        if (lost) return;
        lost = true;
        sql.Queue("commit");
        sql.Queue("select pg_terminate_backend(pg_backend_pid())");
    }
}

/// <summary>A read model in memory: how many events each stream has.</summary>
internal sealed class Counts : MemoryProjection
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> counts = new();

    public int Of(string stream) => counts.GetValueOrDefault(stream);

    protected override void Apply(IReadOnlyList<RecordedEvent> events)
    {
        foreach (var recorded in events) counts.AddOrUpdate(recorded.Stream, 1, (_, count) => count + 1);
    }
}

/// <summary>Events of a video's life, drawn.</summary>
internal static class SampleEvents
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    public static VideoRegistered Registered(string title = "A title", string publisher = "Blender", long size = 10) =>
        new(VideoId.New(Now), publisher, title, "file.mp4", size, Now);

    public static VideoUploaded Uploaded() => new(VideoId.New(Now), "source/1", 10, new string('0', 64), Now);

    public static VideoPublished Published() => new(VideoId.New(Now), Now);

    public static VideoRejected Rejected() => new(VideoId.New(Now), "no", "do", Now);

    /// <summary>The next event of a stream that has so many.</summary>
    public static IEvent Draw(Random random, int before) => before == 0
        ? Registered($"Title {random.Next(100)}", $"publisher {random.Next(7)}", random.Next(1, 1000))
        : random.Next(10) switch { < 5 => Uploaded(), < 9 => Published(), _ => Rejected() };
}

[JsonSerializable(typeof(VideoLife))]
[JsonSerializable(typeof(PublisherTotals))]
internal sealed partial class SampleJson : JsonSerializerContext;
