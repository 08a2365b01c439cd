using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Location is an address that the client can reach: through its proxy, or as configured.</summary>
public sealed class PublicAddressTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private UploadHarness? upload;

    public async Task InitializeAsync() => broker = await TestBroker.StartAsync();

    public async Task DisposeAsync()
    {
        if (upload is not null)
            await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task It_is_what_a_trusted_proxy_forwards_else_how_the_client_reached_the_role()
    {
        upload = await UploadHarness.StartAsync(broker.Bootstrap);
        Assert.StartsWith(
            "https://upload.video.example/v1/uploads/",
            await LocationAsync(("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "upload.video.example")),
            StringComparison.Ordinal
        );
        Assert.StartsWith($"{upload.Url}/", await LocationAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_the_public_address_that_is_configured_unless_a_proxy_says_more()
    {
        upload = await UploadHarness.StartAsync(
            broker.Bootstrap,
            new() { ["Urls:upload"] = "http://upload:7001", ["Urls:Public:upload"] = "https://video.example/" }
        );
        Assert.StartsWith("https://video.example/v1/uploads/", await LocationAsync(), StringComparison.Ordinal);
        Assert.StartsWith(
            "https://other.example/v1/uploads/",
            await LocationAsync(("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "other.example")),
            StringComparison.Ordinal
        );
        // A client that says a proxy had forwarded something changes nothing.
        Assert.StartsWith(
            "https://video.example/v1/uploads/",
            await LocationAsync(("X-Original-Host", "x"), ("Host", "attacker.example")),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("https://upload.video.example", true)]
    [InlineData("http://127.0.0.1:1", false)]
    public async Task The_address_of_roles_counts_unless_it_is_loopback(string url, bool counts)
    {
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Urls:upload"] = url });
        Assert.StartsWith(counts ? url : upload.Url, await LocationAsync(), StringComparison.Ordinal);
    }

    private async Task<string> LocationAsync(params (string, string)[] headers)
    {
        using var created = await upload!.SendAsync("POST", "/v1/uploads", [("Upload-Length", "5"), .. headers]);
        Assert.Equal(System.Net.HttpStatusCode.Created, created.StatusCode);
        return created.Headers.Location!.OriginalString;
    }
}
