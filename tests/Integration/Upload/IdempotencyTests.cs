using System.Net;
using System.Text.Json;
using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A creation that comes again under its key makes nothing twice.</summary>
public sealed class IdempotencyTests : IAsyncLifetime
{
    private const string Key = "8e03978e-40d5-43e8-bc93-6894a57f9324";
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap, new() { ["Upload:OpenUploadsMax"] = "1" });
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task The_same_creation_again_answers_the_same_address_also_where_the_quota_has_no_room_for_another()
    {
        using var first = await CreateAsync(5, Key);
        using var again = await CreateAsync(5, $"\"{Key}\"");
        Assert.Equal((HttpStatusCode.Created, first.Headers.Location), (again.StatusCode, again.Headers.Location));
        using var other = await CreateAsync(5, "another");
        Assert.Equal(HttpStatusCode.TooManyRequests, other.StatusCode);
        using var theirs = await CreateAsync(5, Key, TestKeys.OtherPublisher);
        Assert.Equal(HttpStatusCode.Created, theirs.StatusCode);
        Assert.NotEqual(first.Headers.Location, theirs.Headers.Location);
        var events = await upload.JsonAsync($"/v1/videos/{IdOf($"{first.Headers.Location}")}/events");
        Assert.Equal(1, events.GetProperty("events").GetArrayLength());
    }

    [Fact]
    public async Task Of_creations_at_the_same_time_one_makes_the_upload()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CreateAsync(5, Key)));
        var locations = answers.Select(answer => answer.Headers.Location).Distinct().ToList();
        Assert.NotNull(Assert.Single(locations));
        await UploadHarness.Eventually(() => upload.JsonAsync("/v1/videos"), page => Total(page) == 1);
    }

    [Fact]
    public async Task Another_request_under_the_key_is_refused_and_so_is_what_is_no_key()
    {
        (await CreateAsync(5, Key)).Dispose();
        using var other = await CreateAsync(6, Key);
        Assert.Contains(Key, await other.ProblemAsync(422), StringComparison.Ordinal);
        foreach (var wrong in (string[])["\"\"", "a\"b", new string('a', 256), "one, two"])
        {
            using var refused = await CreateAsync(5, wrong);
            Assert.Contains("Idempotency-Key", await refused.ProblemAsync(400), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task First_bytes_that_come_again_are_not_stored_twice()
    {
        using var first = await CreateAsync(10, Key, body: "hello"u8.ToArray());
        Assert.Equal("5", first.Header("Upload-Offset"));
        using var again = await CreateAsync(10, Key, body: "hello"u8.ToArray());
        Assert.Equal((HttpStatusCode.Created, "5"), (again.StatusCode, again.Header("Upload-Offset")));
        using var rest = await upload.PatchAsync($"{first.Headers.Location}", 5, "world"u8.ToArray());
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        using var whole = await CreateAsync(10, Key, body: "hello"u8.ToArray());
        Assert.Equal((HttpStatusCode.Created, "10"), (whole.StatusCode, whole.Header("Upload-Offset")));
    }

    [Fact]
    public async Task A_creation_whose_upload_was_taken_back_makes_no_other_one()
    {
        using var first = await CreateAsync(5, Key);
        (await upload.SendAsync("DELETE", $"{first.Headers.Location}", [])).Dispose();
        using var again = await CreateAsync(5, Key);
        Assert.Contains("terminated", await again.ProblemAsync(410), StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> CreateAsync(
        int length,
        string idempotencyKey,
        string key = UploadHarness.Key,
        byte[]? body = null
    ) =>
        upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{length}"), ("Idempotency-Key", idempotencyKey)],
            body,
            key
        );

    private static long Total(JsonElement page) => page.GetProperty("total").GetInt64();
}
