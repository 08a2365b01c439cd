using System.Text.Json.Nodes;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Upcasting;

namespace EventStream.Tests.EventStore;

/// <summary>What events carry and become: metadata, old shapes, ids, personal data, snapshots.</summary>
public abstract partial class EventStoreTests
{
    private const string Rejected = "video.rejected.v1";
    private const string Failed = "video.encode-failed.v1";

    [Fact]
    public async Task Headers_of_any_name_come_back()
    {
        var stream = NewStream();
        var headers = new Dictionary<string, string> { ["Source-Address"] = "192.0.2.7", ["ünï"] = "\"🎬\"" };
        var metadata = new EventMetadata("00-1-2-01", "request", "cause", "Jane") { Headers = headers };
        await Store.AppendAsync(stream, ExpectedVersion.NoStream, NewEvents(2), metadata, None);
        Assert.All(await Read(stream), e => Assert.Equal(metadata, e.Metadata));
        await Eventually(async () => (await Log()).Count(e => e.Metadata.Equals(metadata)) == 2);
    }

    [Fact]
    public async Task Ids_given_twice_in_one_append_are_refused()
    {
        var events = NewEvents(1);
        await Assert.ThrowsAsync<DuplicateEventException>(() => Store.AppendAsync(
            NewStream(), ExpectedVersion.Any, [events[0], events[0]], EventMetadata.None, None));
        await Assert.ThrowsAsync<DuplicateEventException>(() => Store.AppendManyAsync(
            [new(NewStream(), ExpectedVersion.Any, events), new(NewStream(), ExpectedVersion.Any, events)],
            EventMetadata.None, None));
    }

    [Fact]
    public async Task A_repeated_append_is_recognised_even_when_it_expects_the_version_that_there_is()
    {
        var stream = NewStream();
        var events = NewEvents(1);
        var first = await Store.AppendAsync(stream, ExpectedVersion.NoStream, events, EventMetadata.None, None);
        Assert.Equal(first with { Repeated = true },
            await Store.AppendAsync(stream, ExpectedVersion.Exactly(1), events, EventMetadata.None, None));
        Assert.Single(await Read(stream));
    }

    [Fact]
    public async Task An_event_of_an_old_shape_is_read_as_one_of_today()
    {
        var stream = await AppendRejected();
        var reopened = Reopen(Upcasters.None.Json(Rejected, Failed, old => new JsonObject
        {
            ["videoId"] = old["videoId"]!.DeepClone(),
            ["task"] = "probe",
            ["cause"] = old["reason"]!.DeepClone(),
            ["failedAt"] = old["rejectedAt"]!.DeepClone(),
        }));
        var read = Assert.Single(await ReadWith(reopened, stream));
        Assert.Equal(("probe", "old"), read.Data is VideoEncodeFailed e ? (e.Task, e.Cause) : default);
        Assert.Equal(Failed, read.WireName);
        // What is stored stays as it was.
        Assert.IsType<VideoRejected>(Assert.Single(await Read(stream)).Data);
    }

    [Fact]
    public async Task Upcasters_follow_each_other_on_json_and_on_records()
    {
        var stream = await AppendRejected();
        var reopened = Reopen(Upcasters.None
            .Typed<VideoEncodeFailed, VideoPublished>(e => new VideoPublished(e.VideoId, e.FailedAt))
            .Json("video.between.v1", Failed, old =>
            {
                old["task"] = "t";
                old["cause"] = "c";
                old["failedAt"] = old["rejectedAt"]!.DeepClone();
                return old;
            })
            .Json(Rejected, "video.between.v1", old => old));
        var read = Assert.Single(await ReadWith(reopened, stream));
        Assert.Equal(Now, Assert.IsType<VideoPublished>(read.Data).PublishedAt);
        Assert.Equal(2, (await reopened.AppendAsync(
            stream, ExpectedVersion.Exactly(1), NewEvents(1), EventMetadata.None, None)).Version);
    }

    [Fact]
    public async Task Who_is_erased_is_gone_from_events_and_metadata_and_nothing_else_is()
    {
        var (stream, other) = (NewStream(), NewStream());
        var jane = new EventMetadata(Correlation: "c", Actor: "Jane");
        await Store.AppendAsync(stream, ExpectedVersion.NoStream, [Registered("Jane"), .. NewEvents(1)], jane, None);
        await Store.AppendAsync(other, ExpectedVersion.NoStream, [Registered("Joan")], jane with { Actor = "Joan" },
            None);
        Assert.Equal(("Jane", "Jane-at-home.mp4"), await PublisherAndFile(stream));
        Assert.True(await Store.EraseSubjectAsync("Jane", None));
        Assert.False(await Store.EraseSubjectAsync("Jane", None));
        Assert.Equal(("(erased)", "(erased)"), await PublisherAndFile(stream));
        var read = await Read(stream);
        Assert.All(read, e => Assert.Equal(jane with { Actor = PersonalDataAttribute.Erased }, e.Metadata));
        Assert.Equal("A title", ((VideoRegistered)read[0].Data).Title);
        Assert.Equal(("Joan", "Joan-at-home.mp4"), await PublisherAndFile(other));
        Assert.Equal("Joan", (await Read(other))[0].Metadata.Actor);
        Assert.Equal(3, (await Append(stream, ExpectedVersion.Exactly(2), 1)).Version);
    }

    [Fact]
    public async Task Who_was_erased_and_comes_again_is_somebody_new()
    {
        var (before, after) = (NewStream(), NewStream());
        await Store.AppendAsync(before, ExpectedVersion.NoStream, [Registered("Jim")], EventMetadata.None, None);
        await Store.EraseSubjectAsync("Jim", None);
        await Store.AppendAsync(after, ExpectedVersion.NoStream, [Registered("Jim")], EventMetadata.None, None);
        Assert.Equal(("(erased)", "(erased)"), await PublisherAndFile(before));
        Assert.Equal(("Jim", "Jim-at-home.mp4"), await PublisherAndFile(after));
    }

    [Fact]
    public async Task Erasing_somebody_of_one_tenant_leaves_the_namesake_of_another()
    {
        var stream = NewStream();
        var acme = Store.ForTenant("acme");
        foreach (var store in new[] { Store, acme })
            await store.AppendAsync(stream, ExpectedVersion.NoStream, [Registered("Jo")], EventMetadata.None, None);
        await acme.EraseSubjectAsync("Jo", None);
        Assert.Equal("Jo", (await PublisherAndFile(stream)).Publisher);
        Assert.Equal("(erased)", (await PublisherAndFile(stream, acme)).Publisher);
    }

    [Fact]
    public async Task Text_that_looks_like_something_encrypted_is_text()
    {
        var stream = NewStream();
        const string Trick = """{"$personal": 1, "value": "x"}""";
        await Store.AppendAsync(stream, ExpectedVersion.NoStream,
            [new(Guid.NewGuid(), new VideoRejected(VideoId.New(Now), Trick, Trick, Now))], EventMetadata.None, None);
        Assert.Equal(Trick, ((VideoRejected)Assert.Single(await Read(stream)).Data).Reason);
    }

    [Fact]
    public async Task The_newest_snapshot_of_a_shape_is_kept()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 3);
        Assert.Null(await Store.LoadSnapshotAsync(stream, "a.v1", None));
        await Store.SaveSnapshotAsync(stream, new("a.v1", 2, "[2]"u8.ToArray()), None);
        await Store.SaveSnapshotAsync(stream, new("a.v1", 1, "[1]"u8.ToArray()), None);
        await Store.SaveSnapshotAsync(stream, new("a.v2", 3, "[3]"u8.ToArray()), None);
        var kept = await Store.LoadSnapshotAsync(stream, "a.v1", None);
        Assert.Equal((2L, "[2]"), (kept!.Version, System.Text.Encoding.UTF8.GetString(kept.State.Span)));
        await Store.TombstoneAsync(stream, "", None);
        Assert.Null(await Store.LoadSnapshotAsync(stream, "a.v1", None));
    }

    private async Task<string> AppendRejected()
    {
        var stream = NewStream();
        await Store.AppendAsync(stream, ExpectedVersion.NoStream,
            [new(Guid.NewGuid(), new VideoRejected(VideoId.New(Now), "old", "none", Now))], EventMetadata.None, None);
        return stream;
    }

    private async Task<(string Publisher, string File)> PublisherAndFile(string stream, IEventStore? store = null)
    {
        var registered = (VideoRegistered)(await ReadWith(store ?? Store, stream))[0].Data;
        return (registered.Publisher, registered.FileName);
    }

    private static NewEvent Registered(string publisher) => new(Guid.NewGuid(), new VideoRegistered(
        VideoId.New(Now), publisher, "A title", $"{publisher}-at-home.mp4", 1000, Now));

    private static async Task<List<RecordedEvent>> ReadWith(IEventStore store, string stream)
    {
        var events = new List<RecordedEvent>();
        await foreach (var e in store.FetchStreamAsync(stream)) events.Add(e);
        return events;
    }
}
