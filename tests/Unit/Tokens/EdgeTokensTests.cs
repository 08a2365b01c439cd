using EventStream.Contracts;
using EventStream.Tokens;

namespace EventStream.Unit.Tests.Tokens;

public sealed class EdgeTokensTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly VideoId Video = VideoId.Parse("01a19467-e800-7bfe-8e2a-5626441ddcd6");
    private static readonly Guid Session = Guid.Parse("0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b");
    private readonly EdgeTokens tokens = new("an ordinary signing key of some length");

    [Fact]
    public void A_prefix_is_valid_until_it_expires()
    {
        var prefix = tokens.Prefix(Video, Session, Now);

        Assert.Equal(TokenVerdict.Valid, tokens.Verify(prefix, Video, Now, TimeSpan.Zero));
        Assert.Equal(TokenVerdict.Expired, tokens.Verify(prefix, Video, Now.AddSeconds(1), TimeSpan.Zero));
        Assert.Equal(TokenVerdict.Valid, tokens.Verify(prefix, Video, Now.AddSeconds(1), TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_prefix_opens_only_its_own_video() =>
        Assert.Equal(
            TokenVerdict.Forged,
            tokens.Verify(tokens.Prefix(Video, Session, Now), VideoId.New(Now), Now, TimeSpan.Zero)
        );

    [Fact]
    public void A_prefix_is_of_one_session_only()
    {
        var prefix = tokens.Prefix(Video, Session, Now);

        var taken = prefix.Replace($"{Session}", $"{Guid.NewGuid()}", StringComparison.Ordinal);

        Assert.Equal(TokenVerdict.Forged, tokens.Verify(taken, Video, Now, TimeSpan.Zero));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/s")]
    [InlineData("/s/1793534400")]
    [InlineData("/s/1793534400/")]
    [InlineData("/s/1793534400/AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("/s/1793534400/0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b/AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("/s/1793534400/not-a-session/AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("/s/-1/0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b/AAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("/s/1793534400/0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b/AAAAAAAAAAAAAAAAAAAA\u00e4A")]
    [InlineData("/x/1793534400/0b8f7a36-3f1e-4a55-9d0a-1d8d2f3f4a5b/AAAAAAAAAAAAAAAAAAAAAA/y")]
    public void What_is_not_a_signed_prefix_is_forged(string? prefix) =>
        Assert.Equal(TokenVerdict.Forged, tokens.Verify(prefix, Video, Now, TimeSpan.Zero));

    [Fact]
    public void A_later_expiry_needs_another_signature()
    {
        var signature = tokens.Prefix(Video, Session, Now).Split('/')[4];

        var stretched = $"/s/{Now.AddDays(1).ToUnixTimeSeconds()}/{Session}/{signature}";

        Assert.Equal(TokenVerdict.Forged, tokens.Verify(stretched, Video, Now, TimeSpan.Zero));
    }

    [Fact]
    public void A_short_key_is_refused() => Assert.Throws<ArgumentException>(() => new EdgeTokens("too short"));
}
