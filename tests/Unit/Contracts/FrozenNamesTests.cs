using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Unit.Tests.Contracts;

/// <summary>
/// Words that are stored: wire names, topics, headers and codes in events. A line may be added here; one that is there
/// may not be changed, because records of years carry it.
/// </summary>
public sealed class FrozenNamesTests
{
    private static readonly string[] WireNames =
    [
        "capacity.forecast-published.v1",
        "capacity.scale-decided.v1",
        "cdn.request.v1",
        "dead.letter.v1",
        "encode.analyse-source.v1",
        "encode.chunk-encoded.v1",
        "encode.completed.v1",
        "encode.encode-audio.v1",
        "encode.encode-high-range.v1",
        "encode.encode-ladder.v1",
        "encode.encode-rung.v1",
        "encode.join-chunks.v1",
        "encode.ladder-chosen.v1",
        "encode.make-subtitles.v1",
        "encode.make-thumbnails.v1",
        "encode.measure-quality.v1",
        "encode.planned.v1",
        "encode.probe-source.v1",
        "encode.quality-measured.v1",
        "encode.rendition-encoded.v1",
        "encode.rungs-deferred.v1",
        "encode.rungs-evicted.v1",
        "encode.rungs-requested.v1",
        "encode.source-analysed.v1",
        "encode.source-probed.v1",
        "encode.source-rejected.v1",
        "encode.stopped.v1",
        "encode.subtitles-made.v1",
        "encode.task-failed.v1",
        "encode.task-finished.v1",
        "encode.task-progressed.v1",
        "encode.task-resent.v1",
        "encode.task-started.v1",
        "encode.thumbnails-made.v1",
        "operator.acted.v1",
        "playback.beacon.v1",
        "qoe.alert-raised.v1",
        "qoe.session-finished.v1",
        "qoe.session-updated.v1",
        "qoe.window-closed.v1",
        "store.stream-tombstoned.v1",
        "traffic.load-measured.v1",
        "traffic.steering-decided.v1",
        "video.captions-removed.v1",
        "video.captions-set.v1",
        "video.chunk-encoded.v1",
        "video.deleted.v1",
        "video.described.v1",
        "video.edition-published.v1",
        "video.edition-requested.v1",
        "video.encode-cancelled.v1",
        "video.encode-failed.v1",
        "video.encode-planned.v1",
        "video.ladder-chosen.v1",
        "video.playable.v1",
        "video.probed.v1",
        "video.published.v1",
        "video.quality-measured.v1",
        "video.registered.v1",
        "video.rejected.v1",
        "video.rendition-encoded.v1",
        "video.renditions-evicted.v1",
        "video.rungs-deferred.v1",
        "video.subtitles-made.v1",
        "video.thumbnails-made.v1",
        "video.thumbnails-missing.v1",
        "video.uploaded.v1",
    ];

    private static readonly (string Name, string Key, int Partitions)[] TopicNames =
    [
        ("video.events", "video id", 6),
        ("encode.commands.first", "video id/task", 6),
        ("encode.commands", "video id/task", 12),
        ("encode.events", "video id", 6),
        ("playback.beacons", "session id", 6),
        ("cdn.requests", "session id, or edge", 6),
        ("qoe.sessions", "session id", 6),
        ("qoe.windows", "video|edge|region|device", 6),
        ("qoe.alerts", "alert id", 3),
        ("traffic.load", "resource", 3),
        ("capacity.forecasts", "resource", 3),
        ("capacity.decisions", "target", 3),
        ("traffic.decisions", "policy", 3),
        ("dead.letters", "original topic", 3),
        ("operator.actions", "target", 3),
    ];

    [Fact]
    public void Wire_names_are_never_renamed_or_taken_away() =>
        Assert.Equal(WireNames, MessageTypes.Names.Order(StringComparer.Ordinal));

    [Fact]
    public void Topics_keep_their_name_key_and_partitions_because_a_key_must_stay_on_its_partition() =>
        Assert.Equal(TopicNames, Topics.All.Select(topic => (topic.Name, topic.Key, topic.Partitions)));

    [Fact]
    public void Headers_are_those_of_the_CloudEvents_Kafka_binding_and_of_W3C_trace_context() =>
        Assert.Equal(
            [
                "ce_specversion",
                "ce_type",
                "ce_source",
                "ce_id",
                "ce_time",
                "content-type",
                "traceparent",
                "1.0",
                "application/json",
            ],
            (string[])
                [
                    CloudEvents.SpecVersion,
                    CloudEvents.Type,
                    CloudEvents.Source,
                    CloudEvents.Id,
                    CloudEvents.Time,
                    CloudEvents.ContentType,
                    CloudEvents.TraceParent,
                    CloudEvents.SpecVersionValue,
                    CloudEvents.JsonContentType,
                ]
        );

    [Fact]
    public void Codes_that_events_carry_keep_their_spelling() =>
        Assert.Equal(
            ["video", "audio", "text", "commentary", "description", "clear-speech", "captions", "forced", "(erased)"],
            (string[])
                [
                    Rendition.Video,
                    Rendition.Audio,
                    Rendition.Text,
                    TrackLabel.Commentary,
                    TrackLabel.Description,
                    TrackLabel.ClearSpeech,
                    TrackLabel.Captions,
                    TrackLabel.Forced,
                    PersonalDataAttribute.Erased,
                ]
        );

    [Fact]
    public void A_wire_name_ends_in_its_version_and_no_two_messages_share_one()
    {
        Assert.All(MessageTypes.Names, name => Assert.Matches("^[a-z]+(\\.[a-z-]+)+\\.v[1-9]$", name));
        Assert.All(MessageTypes.Names, name => Assert.Equal(name, MessageTypes.NameOf(MessageTypes.TypeOf(name)!)));
    }
}
