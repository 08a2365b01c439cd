using System.Text;
using EventStream.Contracts;
using EventStream.Upload;

namespace EventStream.Tests.Upload;

/// <summary>The video, given what happened, when something is decided, then these events.</summary>
public sealed class VideoTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly VideoId Id = VideoId.New(Now);
    private static readonly SourceInfo Source = new(30, 1920, 1080, 24, "h264", "aac", 6, 1000);
    private static readonly SourceInfo Silent = Source with { AudioCodec = null, AudioChannels = 0 };
    private static readonly Rung P240 = new("240p", 426, 240, 400_000);
    private static readonly Rung P360 = new("360p", 640, 360, 800_000);
    private static readonly Thumbnails Thumbs = new("t/p.jpg", "t/s.jpg", "t/s.vtt");

    private static readonly VideoRegistered Registered = new(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now);
    private static readonly VideoUploaded Uploaded = new(Id, "sources/x/source", 1000, "ab", Now);
    private static readonly VideoProbed Probed = new(Id, Source, Now);
    private static readonly VideoEncodePlanned Planned = new(Id, [P240, P360], 2, Now);
    private static readonly VideoRejected Rejected = new(Id, "not a video", "send one", Now);

    [Fact]
    public void A_new_video_is_registered() =>
        Given().When(v => v.Register(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now)).Then(Registered);

    [Fact]
    public void A_video_is_registered_once() =>
        Given(Registered).When(v => v.Register(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now)).Then();

    [Fact]
    public void A_registered_video_is_uploaded() =>
        Given(Registered).When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now)).Then(Uploaded);

    [Fact]
    public void A_video_is_uploaded_once() =>
        Given(Registered, Uploaded).When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now)).Then();

    [Fact]
    public void What_was_rejected_cannot_be_uploaded() =>
        Given(Registered, Rejected).When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now)).Then();

    [Fact]
    public void An_uploaded_video_is_probed() =>
        Given(Registered, Uploaded).When(v => v.RecordProbe(Source, Now)).Then(Probed);

    [Fact]
    public void A_probe_that_is_reported_again_changes_nothing() =>
        Given(Registered, Uploaded, Probed).When(v => v.RecordProbe(Source, Now)).Then();

    [Fact]
    public void What_is_not_a_video_is_rejected_with_reason_and_remedy() =>
        Given(Registered, Uploaded).When(v => v.Reject("not a video", "send one", Now)).Then(Rejected);

    [Fact]
    public void A_video_that_plays_is_not_rejected_any_more() =>
        Given(Registered, Uploaded, Probed, Planned).When(v => v.Reject("late", "none", Now)).Then();

    [Fact]
    public void The_ladder_is_planned_once()
    {
        Given(Registered, Uploaded, Probed).When(v => v.RecordPlan([P240, P360], 2, Now)).Then(Planned);
        Given(Registered, Uploaded, Probed, Planned).When(v => v.RecordPlan([P240, P360], 2, Now)).Then();
    }

    [Fact]
    public void The_first_rung_alone_does_not_play_while_the_audio_is_missing() =>
        Given(Registered, Uploaded, Probed, Planned).When(v =>
            v.RecordRendition(Video(P240), Now)).Then(Encoded(Video(P240)));

    [Fact]
    public void The_first_rung_and_the_audio_make_it_playable() =>
        Given(Registered, Uploaded, Probed, Planned, Encoded(Video(P240))).When(v => v.RecordRendition(Audio, Now))
            .Then(Encoded(Audio), new VideoPlayable(Id, "240p", Now));

    [Fact]
    public void A_silent_video_plays_with_its_first_rung() =>
        Given(Registered, Uploaded, Probed with { Source = Silent }, Planned).When(v =>
            v.RecordRendition(Video(P360), Now))
            .Then(Encoded(Video(P360)), new VideoPlayable(Id, "360p", Now));

    [Fact]
    public void A_rendition_that_is_reported_again_changes_nothing() =>
        Given(Registered, Uploaded, Probed, Planned, Encoded(Video(P240)))
            .When(v => v.RecordRendition(Video(P240), Now)).Then();

    [Fact]
    public void The_last_rendition_publishes_when_the_thumbnails_are_there() =>
        Given(Playable(new VideoThumbnailsMade(Id, Thumbs, Now))).When(v => v.RecordRendition(Video(P360), Now))
            .Then(Encoded(Video(P360)), new VideoPublished(Id, Now));

    [Fact]
    public void The_thumbnails_publish_when_every_rendition_is_there() =>
        Given(Playable(Encoded(Video(P360)))).When(v => v.RecordThumbnails(Thumbs, Now))
            .Then(new VideoThumbnailsMade(Id, Thumbs, Now), new VideoPublished(Id, Now));

    [Fact]
    public void A_video_is_not_published_without_its_audio() =>
        Given(Registered, Uploaded, Probed, Planned, Encoded(Video(P240)), new VideoThumbnailsMade(Id, Thumbs, Now))
            .When(v => v.RecordRendition(Video(P360), Now)).Then(Encoded(Video(P360)));

    [Fact]
    public void A_published_video_changes_no_more()
    {
        var published =
            Playable(Encoded(Video(P360)), new VideoThumbnailsMade(Id, Thumbs, Now), new VideoPublished(Id, Now));
        Given(published).When(v => v.RecordRendition(Video(P240), Now)).Then();
        Given(published).When(v => v.RecordThumbnails(Thumbs, Now)).Then();
        Given(published).When(v => v.RecordFailure("240p", "late", Now)).Then();
        Given(published).When(v => v.Reject("late", "none", Now)).Then();
    }

    [Fact]
    public void A_task_that_was_given_up_fails_the_video_once()
    {
        var failed = new VideoEncodeFailed(Id, "240p", "disk full", Now);
        Given(Registered, Uploaded, Probed, Planned).When(v => v.RecordFailure("240p", "disk full", Now)).Then(failed);
        Given(Registered, Uploaded, Probed, Planned, failed).When(v =>
            v.RecordFailure("360p", "disk full", Now)).Then();
    }

    [Fact]
    public void The_state_follows_the_life()
    {
        var status = (IEvent[] events) =>
            events.Aggregate(EventStream.Upload.Video.Aggregate.Initial, (v, e) => v.Apply(e)).Status;
        Assert.Equal(VideoStatus.Registered, status([Registered]));
        Assert.Equal(VideoStatus.Uploaded, status([Registered, Uploaded]));
        Assert.Equal(VideoStatus.Probed, status([Registered, Uploaded, Probed]));
        Assert.Equal(VideoStatus.Encoding, status([Registered, Uploaded, Probed, Planned]));
        Assert.Equal(VideoStatus.Playable, status(Playable()));
        Assert.Equal(VideoStatus.Rejected, status([Registered, Rejected]));
    }

    private static readonly Rendition Audio =
        new("audio", Rendition.Audio, "v/audio", "mp4a.40.2", 0, 0, 0, 128, 128, [2], 10);

    private static Rendition Video(Rung rung) => new(
        rung.Name, Rendition.Video, $"v/{rung.Name}", "avc1.64001f", rung.Width, rung.Height, 24, 1, 1, [2], 10);

    private static VideoRenditionEncoded Encoded(Rendition rendition) => new(Id, rendition, Now);

    private static IEvent[] Playable(params IEvent[] then) =>
    [
        Registered, Uploaded, Probed, Planned, Encoded(Video(P240)), Encoded(Audio),
            new VideoPlayable(Id, "240p", Now), .. then,
    ];

    private static Scenario Given(params IEvent[] events) => new(events);

    private sealed record Scenario(IEvent[] History)
    {
        private IEvent[] decided = [];

        public Scenario When(Func<EventStream.Upload.Video, IEnumerable<IEvent>> decide)
        {
            var state = History.Aggregate(EventStream.Upload.Video.Aggregate.Initial, (video, e) => video.Apply(e));
            decided = [.. decide(state)];
            return this;
        }

        public void Then(params IEvent[] expected) => Assert.Equal(expected.Select(Text), decided.Select(Text));

        /// <summary>As JSON, because lists inside records compare by identity.</summary>
        private static string Text(IEvent e) => $"{e.GetType().Name} {Encoding.UTF8.GetString(MessageTypes.Write(e))}";
    }
}
