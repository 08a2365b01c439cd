using EventStream.Unit.Tests.EventStore;
using EventStream.Upload;
using EventStream.Upload.Library;
using Microsoft.AspNetCore.Http;
using static EventStream.Unit.Tests.Upload.VideoSamples;

namespace EventStream.Unit.Tests.Upload;

/// <summary>A merge patch of a description: what is left out stays, null takes away, and nonsense is refused.</summary>
public sealed class DescriptionPatchTests
{
    private static readonly Video Known = AggregateSpec.Given<Video>(Registered, Described).State;

    [Theory]
    [InlineData("{}", "The rabbit|animals short|season=1")]
    [InlineData("""{"title":" Two\n rabbits "}""", "Two  rabbits|animals short|season=1")]
    [InlineData("""{"title":null}""", "bunny|animals short|season=1")]
    [InlineData("""{"tags":["b"," a ","b"]}""", "The rabbit|b a|season=1")]
    [InlineData("""{"tags":null,"metadata":null}""", "The rabbit||")]
    [InlineData("""{"metadata":{"episode":"2"}}""", "The rabbit|animals short|episode=2 season=1")]
    [InlineData("""{"metadata":{"season":null,"other":null}}""", "The rabbit|animals short|")]
    public async Task What_is_left_out_stays_and_null_takes_away(string patch, string expected)
    {
        var after = (await ReadAsync(patch)).Apply(Known);
        var metadata = after.Metadata.Select(entry => $"{entry.Key}={entry.Value}");
        Assert.Equal(expected, $"{after.Title}|{string.Join(' ', after.Tags)}|{string.Join(' ', metadata)}");
    }

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("[]", "must be a JSON object")]
    [InlineData("""{"publisher":"me"}""", "'publisher' cannot be changed")]
    [InlineData("""{"title":1}""", "title: send a text")]
    [InlineData("""{"title":"\u200b"}""", "nothing of it can be seen")]
    [InlineData("""{"title":"\ud800"}""", "half of a character")]
    [InlineData("""{"tags":"a"}""", "tags: send a list")]
    [InlineData("""{"tags":[""]}""", "tags: '' is none")]
    [InlineData("""{"tags":[null]}""", "tags: send a text")]
    [InlineData("""{"metadata":["a"]}""", "metadata: send an object")]
    [InlineData("""{"metadata":{"a b":"c"}}""", "'a b' is no name")]
    [InlineData("""{"metadata":{"a":"\u0000"}}""", "control characters")]
    public async Task What_nobody_can_say_of_a_video_is_refused_with_its_name(string patch, string detail)
    {
        var refused = await Assert.ThrowsAsync<UploadProblemException>(async () =>
            (await ReadAsync(patch)).Apply(Known)
        );
        Assert.Equal(400, refused.Status);
        Assert.Contains(detail, refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_bound_holds_at_its_value_and_not_beyond()
    {
        await AcceptsUpTo(VideoTitle.LengthMax, n => $$"""{"title":"{{new string('a', n)}}"}""");
        await AcceptsUpTo(VideoDescription.TagsMax, n => $$"""{"tags":[{{Numbers(n, i => $"\"{i}\"")}}]}""");
        await AcceptsUpTo(VideoDescription.TagLengthMax, n => $$"""{"tags":["{{new string('a', n)}}"]}""");
        await AcceptsUpTo(
            VideoDescription.MetadataMax,
            n => $$$"""{"metadata":{"season":null,{{{Numbers(n, i => $"\"{i}\":\"\"")}}}}}"""
        );
        await AcceptsUpTo(VideoDescription.NameLengthMax, n => $$$"""{"metadata":{"{{{new string('a', n)}}}":""}}""");
        await AcceptsUpTo(VideoDescription.ValueLengthMax, n => $$$"""{"metadata":{"a":"{{{new string('a', n)}}}"}}""");
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_before_it_is_read_whole()
    {
        var body = new string(' ', DescriptionPatch.BytesMax + 1);
        var refused = await Assert.ThrowsAsync<UploadProblemException>(() => ReadAsync(body));
        Assert.Equal(413, refused.Status);
    }

    private static async Task AcceptsUpTo(int max, Func<int, string> patch)
    {
        (await ReadAsync(patch(max))).Apply(Known);
        var beyond = await ReadAsync(patch(max + 1));
        Assert.Throws<UploadProblemException>(() => beyond.Apply(Known));
    }

    private static string Numbers(int count, Func<int, string> of) =>
        string.Join(',', Enumerable.Range(0, count).Select(of));

    private static Task<DescriptionPatch> ReadAsync(string body)
    {
        var request = new DefaultHttpContext().Request;
        request.Body = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(body));
        return DescriptionPatch.ReadAsync(request, default);
    }
}
