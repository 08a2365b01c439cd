using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Console.SignIn;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Console;

public sealed class SignInTests : IAsyncLifetime
{
    private ConsoleRig rig = null!;

    public async Task InitializeAsync() => rig = await ConsoleRig.StartAsync();

    public async Task DisposeAsync() => await rig.DisposeAsync();

    [Theory]
    [InlineData(TestKeys.Operator, "operator", "operator")]
    [InlineData(TestKeys.Analyst, "analyst", "analyst")]
    [InlineData(TestKeys.Publisher, "studio", "publisher")]
    public async Task A_key_gives_a_session_in_whose_name_the_console_asks(string key, string name, string role)
    {
        using var browser = rig.Browser();
        using var answer = await browser.SignInAsync(key);

        var cookie = answer.Headers.GetValues("Set-Cookie").Single(value => value.StartsWith("eventstream-session"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(key, cookie);
        var session = await browser.SessionAsync();
        Assert.Equal((name, role), (session.GetProperty("name").GetString(), session.GetProperty("role").GetString()));
        using var videos = await browser.GetAsync("/api/videos");
        Assert.Contains(
            $"Name = {name}, Role = {role} ",
            await videos.Content.ReadAsStringAsync(),
            StringComparison.OrdinalIgnoreCase
        );
    }

    [Theory]
    [InlineData("GET", "/api/videos")]
    [InlineData("GET", "/api/live")]
    [InlineData("GET", "/api/processes")]
    [InlineData("GET", "/api/edges")]
    [InlineData("POST", "/api/sql")]
    [InlineData("POST", "/api/uploads")]
    public async Task Without_a_session_nothing_is_answered(string method, string path)
    {
        using var browser = rig.Browser();

        using var answer = await browser.SendAsync(new HttpMethod(method), path);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("/sign-in", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_viewer_without_a_key_opens_a_session_to_watch()
    {
        using var browser = rig.Browser();
        const string path = "/api/videos/01a00000-0000-7000-8000-000000000000/sessions";

        using var opened = await browser.SendAsync(HttpMethod.Post, path);
        using var withoutToken = await browser.SendBareAsync(HttpMethod.Post, path, null);

        // No role plays here; the request went on to it.
        Assert.Equal(HttpStatusCode.BadGateway, opened.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, withoutToken.StatusCode);
    }

    [Theory]
    [InlineData(TestKeys.Publisher, "/api/live")]
    [InlineData(TestKeys.Publisher, "/api/processes")]
    [InlineData(TestKeys.Publisher, "/api/decisions")]
    [InlineData(TestKeys.Analyst, "/api/uploads")]
    public async Task A_role_reads_and_does_only_what_is_its_own(string key, string path)
    {
        using var browser = await rig.SignedInAsync(key);

        using var answer = path.EndsWith("uploads", StringComparison.Ordinal)
            ? await browser.SendAsync(HttpMethod.Post, path)
            : await browser.GetAsync(path);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task A_publisher_asks_nothing_in_SQL()
    {
        using var browser = await rig.SignedInAsync(TestKeys.Publisher);

        using var answer = await browser.SendAsync(HttpMethod.Post, "/api/sql", new StringContent("SELECT 1"));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task A_write_needs_the_token_of_its_own_session()
    {
        using var browser = await rig.SignedInAsync(TestKeys.Operator);
        using var stranger = await rig.SignedInAsync(TestKeys.Publisher);
        // What another page can make a browser send: its cookies, and a token that somebody else was given.
        using var without = await browser.SendBareAsync(HttpMethod.Post, "/api/uploads", null);
        using var other = await browser.SendBareAsync(
            HttpMethod.Post,
            "/api/uploads",
            null,
            ("X-Antiforgery", await stranger.TokenAsync())
        );
        using var signIn = await browser.SendBareAsync(
            HttpMethod.Post,
            "/api/session",
            JsonContent.Create(new { key = TestKeys.Publisher })
        );
        using var own = await browser.SendAsync(HttpMethod.Post, "/api/uploads");

        Assert.Equal(
            [HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.Created],
            [without.StatusCode, other.StatusCode, signIn.StatusCode, own.StatusCode]
        );
    }

    [Fact]
    public async Task A_script_sends_its_key_and_needs_no_token()
    {
        using var script = TestKeys.Client(TestKeys.Publisher, rig.Url);

        using var answer = await script.PostAsync("/api/uploads", null);
        using var wrong = TestKeys.Client("not-a-key", rig.Url);
        using var refused = await wrong.PostAsync("/api/uploads", null);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.NotEqual(HttpStatusCode.Created, refused.StatusCode);
    }

    [Fact]
    public async Task An_upload_goes_on_through_the_console_in_the_users_name_whatever_the_browser_claims()
    {
        using var browser = await rig.SignedInAsync(TestKeys.Publisher);
        var token = await browser.TokenAsync();

        using var created = await browser.SendBareAsync(
            HttpMethod.Post,
            "/api/uploads",
            null,
            ("X-Antiforgery", token),
            ("X-EventStream-On-Behalf-Of", "operator operator")
        );
        using var patched = await browser.SendBareAsync(
            HttpMethod.Patch,
            $"{created.Headers.Location}",
            new ByteArrayContent(new byte[2 << 20]),
            ("X-Antiforgery", token)
        );

        Assert.Equal("/api/uploads/one", created.Headers.Location?.OriginalString);
        Assert.Contains("Name = studio, Role = Publisher", await created.Content.ReadAsStringAsync());
        var said = await patched.Content.ReadAsStringAsync();
        Assert.StartsWith("one 2097152 ", said);
        Assert.EndsWith("cookies 0", said);
    }

    [Fact]
    public async Task Wrong_keys_are_refused_in_words_and_after_some_for_a_while()
    {
        using var browser = rig.Browser();
        for (var i = 0; i < SignInLimiter.PerAddressMax; i++)
        {
            using var wrong = await browser.SignInAsync($"wrong-{i}");
            Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
            Assert.Contains("This key is not known", await wrong.Content.ReadAsStringAsync());
        }

        using var limited = await browser.SignInAsync(TestKeys.Operator);

        Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
        Assert.InRange(limited.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void Wrong_keys_of_many_addresses_keep_nobody_else_out()
    {
        using var limiter = new SignInLimiter();
        for (var i = 0; i < 1000; i++)
            limiter.Failed(new IPAddress([10, 0, (byte)(i / 250), (byte)(i % 250)]));

        // One of so few may share its bound with one of the others.
        Assert.Contains(
            Enumerable.Range(1, 20),
            i => limiter.RetryAfter(new IPAddress([192, 168, 7, (byte)i])) is null
        );
    }

    [Theory]
    [InlineData(TestKeys.EdgeA)]
    [InlineData(TestKeys.Service)]
    public async Task A_key_that_is_no_persons_does_not_sign_in(string key)
    {
        using var browser = rig.Browser();

        using var answer = await browser.SignInAsync(key);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal(JsonValueKind.Null, (await browser.SessionAsync()).GetProperty("name").ValueKind);
    }

    [Fact]
    public async Task Signing_out_ends_the_browsers_session()
    {
        using var browser = await rig.SignedInAsync(TestKeys.Operator);

        using var bye = await browser.SendAsync(HttpMethod.Delete, "/api/session");
        using var after = await browser.GetAsync("/api/videos");

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.Unauthorized), (bye.StatusCode, after.StatusCode));
    }
}
