using System.Collections.Immutable;
using EventStream.Contracts;

namespace EventStream.Upload;

/// <summary>The texts of a video: those of its file, and the captions that its publisher sends.</summary>
public sealed partial record Video
{
    /// <summary>The captions that its publisher sent.</summary>
    public ImmutableArray<Rendition> Captions { get; init; } = [];

    /// <summary>The texts that players are offered.</summary>
    public IEnumerable<Rendition> ShownTexts =>
        (Texts ?? []).Where(text => text.SegmentDurationsSeconds.Count > 0).Concat(Captions);

    private Video On(VideoSubtitlesMade e) => this with { Texts = [.. WithoutCaptions(e.Texts)] };

    private Video On(VideoCaptionsSet e)
    {
        var others = WithoutTexts(e.Captions.Label!);
        return others with { Captions = others.Captions.Add(e.Captions) };
    }

    private Video On(VideoCaptionsRemoved e) => WithoutTexts(new TrackLabel("", e.Language, e.Role));

    private Video WithoutTexts(TrackLabel label) =>
        this with
        {
            Captions = Captions.RemoveAll(text => label.IsSameTrack(text.Label)),
            Texts = Texts is null ? null : [.. Texts.Where(text => !label.IsSameTrack(text.Label))],
        };

    /// <summary>Texts of a file, without those that captions take the place of.</summary>
    private IEnumerable<Rendition> WithoutCaptions(IEnumerable<Rendition> texts) =>
        texts.Where(text => !Captions.Any(sent => sent.Label!.IsSameTrack(text.Label)));

    /// <summary>The publisher sent captions, which have a language.</summary>
    public IEnumerable<IEvent> SetCaptions(Rendition captions, DateTimeOffset now) =>
        IsGone || Captions.Any(known => known.Name == captions.Name) ? [] : [new VideoCaptionsSet(Id, captions, now)];

    /// <summary>The publisher removed captions, which have a language.</summary>
    public IEnumerable<IEvent> RemoveCaptions(TrackLabel label, DateTimeOffset now) =>
        !IsGone && ShownTexts.Any(text => label.IsSameTrack(text.Label))
            ? [new VideoCaptionsRemoved(Id, label.Language!, label.Role, now)]
            : [];
}
