using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>What one publisher may have and do, whatever another does.</summary>
public sealed class UploadQuotaTests : IAsyncLifetime
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
    public async Task Bytes_of_unfinished_and_of_finished_uploads_count_and_those_taken_back_do_not()
    {
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:BytesPerPublisherMax"] = "100" });
        var finished = await upload.CreateAsync(40);
        (await upload.PatchAsync(finished, 0, Bytes(40))).Dispose();
        var open = await upload.CreateAsync(60);
        using (var refused = await CreateAsync(TestKeys.Publisher, ("Upload-Length", "1")))
            Assert.Contains("Upload:BytesPerPublisherMax", await refused.ProblemAsync(413), StringComparison.Ordinal);
        using (var others = await CreateAsync(TestKeys.OtherPublisher, ("Upload-Length", "100")))
            Assert.Equal(201, (int)others.StatusCode);
        (await upload.SendAsync("DELETE", open, [])).Dispose();
        using (var deferred = await CreateAsync(TestKeys.Publisher, ("Upload-Defer-Length", "1")))
            await deferred.ProblemAsync(413);
        using var taken = await CreateAsync(TestKeys.Publisher, ("Upload-Length", "60"));
        Assert.Equal(201, (int)taken.StatusCode);
    }

    [Fact]
    public async Task Creations_beyond_the_rate_hear_when_to_come_again()
    {
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:CreationsPerMinuteMax"] = "3" });
        for (var i = 0; i < 3; i++)
            (await CreateAsync(TestKeys.Publisher, ("Upload-Length", "5"))).EnsureSuccessStatusCode().Dispose();
        using (var refused = await CreateAsync(TestKeys.Publisher, ("Upload-Length", "5")))
        {
            Assert.Contains("Upload:CreationsPerMinuteMax", await refused.ProblemAsync(429), StringComparison.Ordinal);
            Assert.InRange(int.Parse(refused.Header("Retry-After")), 1, 60);
        }

        using var others = await CreateAsync(TestKeys.OtherPublisher, ("Upload-Length", "5"));
        Assert.Equal(201, (int)others.StatusCode);
    }

    [Fact]
    public async Task Who_sends_faster_than_the_rate_is_slowed_down_and_loses_nothing()
    {
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:KiBPerSecondMax"] = "512" });
        var file = Bytes(3 * 512 * 1024);
        var url = await upload.CreateAsync(file.Length);
        var begun = TimeProvider.System.GetTimestamp();
        using var taken = await upload.PatchAsync(url, 0, file);
        Assert.Equal($"{file.Length}", taken.Header("Upload-Offset"));
        // The first second's worth is there at once, the others come at the rate.
        Assert.True(TimeProvider.System.GetElapsedTime(begun) > TimeSpan.FromSeconds(1.5));
    }

    private Task<HttpResponseMessage> CreateAsync(string key, params (string, string)[] headers) =>
        upload!.SendAsync("POST", "/v1/uploads", headers, key: key);
}
