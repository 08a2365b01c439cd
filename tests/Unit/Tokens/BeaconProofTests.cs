using EventStream.Tokens;

namespace EventStream.Unit.Tests.Tokens;

public sealed class BeaconProofTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private static readonly BeaconClaims Claims = new("session", "video", Now.AddHours(1), "eu", "hls.js");
    private readonly BeaconProof proof = new("an ordinary signing key of some length");

    [Fact]
    public void A_proof_holds_for_exactly_its_claims_and_key()
    {
        var made = proof.Make(Claims);
        Assert.True(proof.Check(Claims, made, Now));
        Assert.All(
            [
                Claims with
                {
                    SessionId = "another",
                },
                Claims with
                {
                    VideoId = "another",
                },
                Claims with
                {
                    Expires = Claims.Expires.AddSeconds(1),
                },
                Claims with
                {
                    Region = "us",
                },
                Claims with
                {
                    Player = "dash.js",
                },
                Claims with
                {
                    SessionId = "session\nvideo",
                    VideoId = "",
                },
            ],
            other => Assert.False(proof.Check(other, made, Now))
        );
        Assert.False(new BeaconProof("another signing key, of the same length").Check(Claims, made, Now));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("not base64url!")]
    public void What_is_no_proof_is_refused(string? text) => Assert.False(proof.Check(Claims, text, Now));

    [Fact]
    public void A_changed_character_breaks_it()
    {
        var made = proof.Make(Claims);
        Assert.False(proof.Check(Claims, (made[0] == 'A' ? 'B' : 'A') + made[1..], Now));
        Assert.False(proof.Check(Claims, made + "A", Now));
    }

    [Fact]
    public void It_ends_with_its_session_but_for_the_last_reports()
    {
        var made = proof.Make(Claims);
        Assert.True(proof.Check(Claims, made, Claims.Expires + BeaconProof.Leeway));
        Assert.False(proof.Check(Claims, made, Claims.Expires + BeaconProof.Leeway + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_short_key_and_a_claim_with_a_line_break_are_errors()
    {
        Assert.Throws<ArgumentException>(() => new BeaconProof("short"));
        Assert.Throws<ArgumentException>(() => proof.Make(Claims with { Region = "e\nu" }));
    }
}
