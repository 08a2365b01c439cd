using EventStream.Upload.Webhooks;

namespace EventStream.Unit.Tests.Upload;

public sealed class WebhookSignatureTests
{
    /// <summary>The example that the libraries of Standard Webhooks are tested with.</summary>
    [Fact]
    public void It_is_that_of_Standard_Webhooks() =>
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            WebhookSignature.Of(
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                DateTimeOffset.FromUnixTimeSeconds(1614265330),
                """{"test": 2432232314}"""
            )
        );

    [Fact]
    public void A_new_secret_signs_and_is_no_other_ones()
    {
        var (one, other) = (WebhookSignature.NewSecret(), WebhookSignature.NewSecret());
        Assert.NotEqual(Sign(one), Sign(other));
        Assert.Equal(Sign(one), Sign(one));
    }

    [Fact]
    public void What_is_no_secret_is_refused() => Assert.Throws<FormatException>(() => Sign("(erased)"));

    private static string Sign(string secret) => WebhookSignature.Of(secret, "msg_1", DateTimeOffset.UnixEpoch, "{}");
}
