using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Unit.Tests.EventStore;
using EventStream.Upload;
using EventStream.Upload.Library;
using static EventStream.Unit.Tests.Upload.VideoSamples;

namespace EventStream.Unit.Tests.Upload;

/// <summary>The video: given what happened, when something is decided, then these events.</summary>
public sealed class VideoTests
{
    [Fact]
    public void A_video_is_registered_once() =>
        Given()
            .When(v => v.Register(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now))
            .Then(Registered)
            .When(v => v.Register(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now))
            .Then();

    [Fact]
    public void A_registered_video_is_uploaded_once() =>
        Given(Registered)
            .When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now))
            .Then(Uploaded)
            .When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now))
            .Then();

    [Fact]
    public void An_uploaded_video_is_probed_once() =>
        Given(Registered, Uploaded)
            .When(v => v.RecordProbe(Source, Now))
            .Then(Probed)
            .When(v => v.RecordProbe(Source, Now))
            .Then();

    [Fact]
    public void What_is_not_a_video_is_rejected_with_reason_and_remedy_and_cannot_be_uploaded() =>
        Given(Registered)
            .When(v => v.Reject("not a video", "send one", Now))
            .Then(Rejected)
            .When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now))
            .Then();

    [Fact]
    public void A_video_that_is_encoded_is_not_rejected_any_more() =>
        Given(Encoding).When(v => v.Reject("late", "none", Now)).Then();

    [Fact]
    public void The_ladder_is_planned_once() =>
        Given(Registered, Uploaded, Probed)
            .When(v => v.RecordPlan([P240, P360], 2, Now))
            .Then(Planned)
            .When(v => v.RecordPlan([P240, P360], 2, Now))
            .Then();

    [Fact]
    public void It_plays_with_its_first_rung_and_its_audio() =>
        Given(Encoding)
            .When(v => v.RecordRenditions([Low], Now))
            .Then(Encoded(Low))
            .When(v => v.RecordRenditions([Low], Now))
            .Then()
            .When(v => v.RecordRenditions([Sound], Now))
            .Then(Encoded(Sound), new VideoPlayable(Id, "240p", Now));

    [Fact]
    public void A_silent_video_plays_with_its_first_rung() =>
        Given(Registered, Uploaded, ProbedSilent, Planned)
            .When(v => v.RecordRenditions([High], Now))
            .Then(Encoded(High), new VideoPlayable(Id, "360p", Now));

    [Fact]
    public void The_last_rendition_publishes_when_the_thumbnails_are_there() =>
        Given([.. Playing, Pictured]).When(v => v.RecordRenditions([High], Now)).Then(Encoded(High), Published);

    [Fact]
    public void The_thumbnails_publish_when_every_rendition_is_there() =>
        Given([.. Playing, Encoded(High)]).When(v => v.RecordThumbnails(Thumbs, Now)).Then(Pictured, Published);

    [Fact]
    public void A_video_is_published_without_thumbnails_once_they_are_given_up()
    {
        var missing = new VideoThumbnailsMissing(Id, "no picture", Now);
        Given([.. Playing, Encoded(High)])
            .When(v => v.RecordThumbnailsMissing("no picture", Now))
            .Then(missing, Published);
        Given([.. Playing, missing]).When(v => v.RecordRenditions([High], Now)).Then(Encoded(High), Published);
        Given([.. Playing, Pictured]).When(v => v.RecordThumbnailsMissing("no picture", Now)).Then();
    }

    [Fact]
    public void A_ladder_that_is_chosen_again_says_when_the_video_is_whole()
    {
        Rung[] ladder = [new("240p", 426, 240, 400_000, 26)];
        var chosen = new VideoLadderChosen(Id, ladder, Now);
        Given([.. Playing, Pictured]).When(v => v.RecordLadder(ladder, Now)).Then(chosen, Published);
        Given([.. Playing, chosen]).When(v => v.RecordLadder(ladder, Now)).Then();
        Given([.. Playing, chosen]).When(v => v.RecordThumbnails(Pictured.Thumbnails, Now)).Then(Pictured, Published);
    }

    [Fact]
    public void Quality_is_recorded_once_also_after_publication()
    {
        RenditionQuality[] qualities = [new("240p", 0.95, 34, 24, 5)];
        var measured = new VideoQualityMeasured(Id, qualities, Now);
        Given([.. Playing, Encoded(High), Pictured, Published])
            .When(v => v.RecordQuality(qualities, Now))
            .Then(measured);
        Given([.. Playing, measured]).When(v => v.RecordQuality([], Now)).Then();
        Given(Encoding).When(v => v.RecordQuality(qualities, Now)).Then();
    }

    [Fact]
    public void What_is_made_on_request_comes_after_publication_goes_and_fails_without_harm()
    {
        var deferred = new VideoRungsDeferred(Id, [new Rung("1080p", 1920, 1080, 4_500_000)], Now);
        var tall = High with { Name = "1080p" };
        Given(Encoding).When(v => v.RecordDeferred(deferred.Rungs, Now)).Then(deferred);
        Given([.. Encoding, deferred]).When(v => v.RecordFailure("1080p", "disk full", Now)).Then();
        IEvent[] whole = [.. Playing, deferred, Encoded(High), Pictured, Published];
        Given(whole).When(v => v.RecordRenditions([tall], Now)).Then(Encoded(tall));
        Given(whole).When(v => v.RecordEvicted(["1080p"], Now)).Then();
        Given([.. whole, Encoded(tall)])
            .When(v => v.RecordEvicted(["1080p"], Now))
            .Then(new VideoRenditionsEvicted(Id, ["1080p"], Now));
    }

    [Fact]
    public void A_failure_speaks_to_the_publisher_and_not_of_its_tools()
    {
        var failed = new VideoEncodeFailed(Id, "240p", "ffmpeg ended with code 1: [mov @ 0x55]", Now);
        Assert.Equal(
            "The picture of the file could not be encoded in 240p.",
            Given([.. Encoding, failed]).State.Problem
        );
        Assert.Equal(
            "The picture of the file could not be encoded in 240p.",
            Given([.. Encoding, failed with { Task = "240p.7" }]).State.Problem
        );
    }

    [Fact]
    public void A_video_is_not_published_without_its_audio() =>
        Given([.. Encoding, Encoded(Low), Pictured]).When(v => v.RecordRenditions([High], Now)).Then(Encoded(High));

    [Fact]
    public void A_video_plays_with_its_main_sound_and_is_published_with_all()
    {
        var second = Sound with { Name = "audio-2" };
        var sounds = Source with { Sounds = [new(1, "aac", 6), new(2, "aac", 2)] };
        var encoding = Given(Registered, Uploaded, Probed with { Source = sounds }, Planned, Pictured);
        encoding
            .When(v => v.RecordRenditions([Low], Now))
            .Then(Encoded(Low))
            .When(v => v.RecordRenditions([second], Now))
            .Then(Encoded(second))
            .When(v => v.RecordRenditions([High], Now))
            .Then(Encoded(High))
            .When(v => v.RecordRenditions([Sound], Now))
            .Then(Encoded(Sound), new VideoPlayable(Id, "240p", Now), Published);
        encoding
            .When(v => v.RecordRenditions([Low], Now))
            .Then(Encoded(Low))
            .When(v => v.RecordRenditions([High], Now))
            .Then(Encoded(High))
            .When(v => v.RecordRenditions([Sound], Now))
            .Then(Encoded(Sound), new VideoPlayable(Id, "240p", Now))
            .When(v => v.RecordRenditions([second], Now))
            .Then(Encoded(second), Published);
    }

    [Fact]
    public void A_long_video_plays_from_its_first_chunk_on_and_is_published_with_whole_rungs()
    {
        VideoChunkEncoded Chunk(int number) => new(Id, Low, number, 3, Now);
        Given(Encoding)
            .When(v => v.RecordChunk(Low, 2, 3, Now))
            .Then(Chunk(2))
            .When(v => v.RecordRenditions([Sound], Now))
            .Then(Encoded(Sound))
            .When(v => v.RecordChunk(Low, 1, 3, Now))
            .Then(Chunk(1), new VideoPlayable(Id, "240p", Now))
            .When(v => v.RecordChunk(Low, 1, 3, Now))
            .Then()
            .When(v => v.RecordRenditions([High], Now))
            .Then(Encoded(High))
            .When(v => v.RecordThumbnails(Pictured.Thumbnails, Now))
            .Then(Pictured)
            .When(v => v.RecordRenditions([Low], Now))
            .Then(Encoded(Low), Published)
            .When(v => v.RecordChunk(Low, 3, 3, Now))
            .Then();
    }

    [Fact]
    public void A_video_with_subtitles_is_published_when_they_are_made()
    {
        Rendition[] texts = [Sound with { Name = "text-1", Kind = Rendition.Text }];
        var probed = Probed with { Source = Source with { Texts = [new(3, "subrip")] } };
        Given(Registered, Uploaded, probed, Planned, Encoded(Low), Encoded(Sound), Pictured)
            .When(v => v.RecordRenditions([High], Now))
            .Then(Encoded(High), new VideoPlayable(Id, "240p", Now))
            .When(v => v.RecordSubtitles(texts, Now))
            .Then(new VideoSubtitlesMade(Id, texts, Now), Published)
            .When(v => v.RecordSubtitles(texts, Now))
            .Then();
    }

    [Fact]
    public void A_published_video_changes_no_more() =>
        Given([.. Playing, Encoded(High), Pictured, Published])
            .When(v => v.RecordRenditions([Low], Now))
            .Then()
            .When(v => v.RecordThumbnails(Thumbs, Now))
            .Then()
            .When(v => v.RecordFailure("240p", "late", Now))
            .Then()
            .When(v => v.Reject("late", "none", Now))
            .Then();

    [Fact]
    public void A_task_that_was_given_up_fails_the_video_once() =>
        Given(Encoding)
            .When(v => v.RecordFailure("240p", "disk full", Now))
            .Then(Failed)
            .When(v => v.RecordFailure("360p", "disk full", Now))
            .Then();

    [Fact]
    public void A_description_counts_once_and_every_other_one_is_a_revision()
    {
        var said = Given(Registered).When(v => v.Describe(Rabbit, Now)).Then(Described);
        said.When(v => v.Describe(Rabbit, Now)).Then();
        Assert.Equal((1, 2), (Given(Registered).State.Revision, said.After.Revision));
        Assert.Equal(Rabbit, VideoDescription.Of(said.After));
    }

    [Fact]
    public void A_description_takes_nothing_from_how_far_a_video_is() =>
        Given([.. Playing, Described])
            .When(v => v.RecordRenditions([High], Now))
            .Then(Encoded(High))
            .When(v => v.RecordThumbnails(Thumbs, Now))
            .Then(Pictured, Published);

    [Fact]
    public void A_video_is_deleted_once_wherever_it_is() =>
        Assert.All(
            (IMessage[][])
                [
                    [Registered],
                    [Registered, Uploaded],
                    [Registered, Rejected],
                    Encoding,
                    Playing,
                ],
            life => Given(life).When(v => v.Delete(Now)).Then(Deleted).When(v => v.Delete(Now)).Then()
        );

    [Fact]
    public void A_deleted_video_changes_no_more() =>
        Given([.. Playing, Deleted])
            .When(v => v.Describe(Rabbit, Now))
            .Then()
            .When(v => v.RecordRenditions([High], Now))
            .Then()
            .When(v => v.RecordThumbnails(Thumbs, Now))
            .Then()
            .When(v => v.RecordFailure("240p", "late", Now))
            .Then()
            .When(v => v.Reject("late", "none", Now))
            .Then()
            .When(v => v.Register(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now))
            .Then();

    [Fact]
    public void An_upload_that_ends_after_the_deletion_brings_nothing_back() =>
        Given(Registered, Deleted).When(v => v.CompleteUpload("sources/x/source", 1000, "ab", Now)).Then();

    [Fact]
    public void A_video_that_nobody_registered_is_neither_described_nor_deleted()
    {
        Given().When(v => v.Describe(Rabbit, Now)).Then();
        Given().When(v => v.Delete(Now)).Then();
    }

    [Fact]
    public void Everything_that_is_encoded_of_a_video_is_below_the_folder_that_a_deletion_removes() =>
        Assert.All(
            (string[])["240p", EncodeTasks.Audio, EncodeTasks.Thumbnails],
            task =>
                Assert.StartsWith(
                    VideoRemoval.EncodedPrefix(Id),
                    EncodeTasks.OutputPrefix(Id, task) + "/",
                    StringComparison.Ordinal
                )
        );

    [Fact]
    public void An_edition_takes_the_place_of_what_plays_once_it_is_published()
    {
        var published = Given(Whole)
            .When(v => v.RequestEdition(Next, Now))
            .Then(Requested)
            .When(v => v.RequestEdition(Next, Now))
            .Then()
            .When(v => v.PublishEdition(Edition with { Status = VideoStatus.Playable }, Now))
            .Then()
            .When(v => v.PublishEdition(Edition, Now))
            .Then(Replaced);
        var video = published.After;
        Assert.Equal((VideoStatus.Published, Next, null), (video.Status, video.Edition, video.NextEdition));
        Assert.Equal(["sources/y/source", "v/new"], [video.SourceKey!, Assert.Single(video.Renditions).Prefix]);
        Assert.Equal("text-1", Assert.Single(video.Texts!).Name);
        Assert.Equal("Bunny", video.Title);
        published.When(v => v.PublishEdition(Edition, Now)).Then().When(v => v.RequestEdition(Next, Now)).Then();
    }

    [Fact]
    public void An_edition_that_is_not_wanted_any_more_takes_no_place()
    {
        var other = VideoId.New(Now.AddSeconds(1));
        Given([.. Whole, Requested])
            .When(v => v.RequestEdition(other, Now))
            .Then(new VideoEditionRequested(Id, other, Now))
            .When(v => v.PublishEdition(Edition, Now))
            .Then();
        Given([.. Whole, Requested])
            .When(v => v.Cancel(Now))
            .Then(Cancelled)
            .When(v => v.PublishEdition(Edition, Now))
            .Then();
        Given([.. Whole, Requested, Deleted]).When(v => v.PublishEdition(Edition, Now)).Then();
        Given(Registered with { EditionOf = Next }, Uploaded).When(v => v.RequestEdition(other, Now)).Then();
    }

    [Fact]
    public void An_edition_brings_a_video_that_failed_to_its_viewers()
    {
        var video = Given([.. Encoding, Failed, Requested])
            .When(v => v.PublishEdition(Edition, Now))
            .Then(Replaced)
            .After;
        Assert.Equal((VideoStatus.Published, null), (video.Status, video.Problem));
    }

    [Fact]
    public void Encoding_is_cancelled_while_there_is_some()
    {
        Assert.All(
            (IEvent[][])
                [
                    [Registered, Uploaded],
                    [Registered, Uploaded, Probed],
                    Encoding,
                    Playing,
                ],
            life =>
            {
                var cancelled = Given(life).When(v => v.Cancel(Now)).Then(Cancelled);
                Assert.Equal(VideoStatus.Cancelled, cancelled.After.Status);
                cancelled.When(v => v.Cancel(Now)).Then().When(v => v.RecordRenditions([High], Now)).Then();
            }
        );
        Assert.All(
            (IEvent[][])
                [
                    [Registered],
                    Whole,
                ],
            life => Given(life).When(v => v.Cancel(Now)).Then()
        );
        Given(Whole).When(v => v.Cancel(Now)).Then();
    }

    [Fact]
    public void The_status_follows_the_life()
    {
        Assert.Equal(VideoStatus.Registered, Given(Registered).State.Status);
        Assert.Equal(VideoStatus.Uploaded, Given(Registered, Uploaded).State.Status);
        Assert.Equal(VideoStatus.Probed, Given(Registered, Uploaded, Probed).State.Status);
        Assert.Equal(VideoStatus.Encoding, Given(Encoding).State.Status);
        Assert.Equal(VideoStatus.Playable, Given(Playing).State.Status);
        Assert.Equal(VideoStatus.Rejected, Given(Registered, Rejected).State.Status);
        Assert.Equal(VideoStatus.Deleted, Given([.. Playing, Deleted]).State.Status);
    }

    private static Given<Video> Given(params IReadOnlyList<IMessage> history) => AggregateSpec.Given<Video>(history);
}
