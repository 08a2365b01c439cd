using EventStream.Contracts;
using EventStream.Unit.Tests.EventStore;
using EventStream.Upload;
using static EventStream.Unit.Tests.Upload.VideoSamples;

namespace EventStream.Unit.Tests.Upload;

/// <summary>What accompanies a video and never decides over it: captions and the high range.</summary>
public sealed class VideoCaptionsTests
{
    [Fact]
    public void Captions_take_the_place_of_a_text_of_their_language_and_role()
    {
        var (set, forced) = (new VideoCaptionsSet(Id, Text("sent"), Now), Text("signs", role: TrackLabel.Forced));
        var made = new VideoSubtitlesMade(Id, [Text("file"), forced], Now);
        foreach (
            var order in (IMessage[][])
                [
                    [made, set],
                    [set, made],
                ]
        )
        {
            var given = Given([.. Playing, .. order]);
            Assert.Equal(["sent", "signs"], given.State.ShownTexts.Select(text => text.Name).Order());
            given
                .When(v => v.SetCaptions(Text("sent"), Now))
                .Then()
                .When(v => v.RemoveCaptions(new TrackLabel("", "de"), Now))
                .Then(new VideoCaptionsRemoved(Id, "de", null, Now))
                .When(v => v.RemoveCaptions(new TrackLabel("", "de"), Now))
                .Then()
                .When(v => v.RemoveCaptions(new TrackLabel("", "de", TrackLabel.Forced), Now))
                .Then(new VideoCaptionsRemoved(Id, "de", TrackLabel.Forced, Now));
        }
    }

    [Fact]
    public void Captions_stay_when_an_edition_takes_the_place_of_what_plays()
    {
        var set = new VideoCaptionsSet(Id, Text("sent"), Now);
        var edition = Edition with { Texts = [Text("file"), Text("english", "en")] };
        var video = Given([.. Whole, set, Requested]).When(v => v.PublishEdition(edition, Now)).After;
        Assert.Equal(["english", "sent"], video.ShownTexts.Select(text => text.Name));
        Assert.Equal("sent", Assert.Single(video.Captions).Name);
    }

    [Fact]
    public void A_deleted_video_takes_no_captions() =>
        Given([.. Whole, Deleted])
            .When(v => v.SetCaptions(Text("sent"), Now))
            .Then()
            .When(v => v.RemoveCaptions(new TrackLabel("", "de"), Now))
            .Then();

    [Fact]
    public void A_high_range_makes_no_video_playable_and_comes_after_its_publication()
    {
        var high = Low with { Name = "240p-hdr", Range = VideoRange.Pq };
        Given([.. Encoding, Encoded(Sound)]).When(v => v.RecordRenditions([high], Now)).Then(Encoded(high));
        Given([.. Playing, Encoded(High), Pictured, Published])
            .When(v => v.RecordRenditions([high], Now))
            .Then(Encoded(high))
            .When(v => v.RecordRenditions([high], Now))
            .Then();
    }

    [Fact]
    public void A_high_range_of_an_edition_comes_after_it_and_none_of_what_it_replaced()
    {
        var high = Low with { Name = "240p-hdr", Range = VideoRange.Pq };
        Given([.. Whole, Requested, Replaced])
            .When(v => v.RecordRenditions([high], Now))
            .Then()
            .When(v => v.PublishEdition(Edition with { Renditions = Edition.Renditions.Add(high) }, Now))
            .Then(Encoded(high))
            .When(v => v.PublishEdition(Edition with { Renditions = Edition.Renditions.Add(high) }, Now))
            .Then();
    }

    [Fact]
    public void Further_ladders_make_no_video_playable_and_come_after_its_publication()
    {
        var picture = Low with { Name = "240p-av1", Codecs = "av01.0.00M.08" };
        var sound = Sound with { Name = "audio-opus", Codecs = PictureCodec.Opus };
        Given([.. Encoding])
            .When(v => v.RecordRenditions([sound, picture], Now))
            .Then(Encoded(sound), Encoded(picture));
        Given([.. Playing, Encoded(High), Pictured, Published])
            .When(v => v.RecordRenditions([sound, picture, Low with { Name = "1p" }], Now))
            .Then(Encoded(sound), Encoded(picture));
        var edition = Edition with { Renditions = Edition.Renditions.Add(picture) };
        Given([.. Whole, Requested, Replaced]).When(v => v.PublishEdition(edition, Now)).Then(Encoded(picture));
    }

    private static Rendition Text(string name, string language = "de", string? role = null) =>
        Sound with
        {
            Name = name,
            Kind = Rendition.Text,
            Label = new TrackLabel(name, language, role),
        };

    private static Given<Video> Given(params IReadOnlyList<IMessage> history) => AggregateSpec.Given<Video>(history);
}
