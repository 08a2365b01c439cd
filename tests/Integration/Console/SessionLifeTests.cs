using System.Net;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Console;

/// <summary>How long a session lives, and what does not hear of it.</summary>
public sealed class SessionLifeTests : IDisposable
{
    private readonly DirectoryInfo keys = Directory.CreateTempSubdirectory("console-keys-");

    public void Dispose() => keys.Delete(recursive: true);

    [Fact]
    public async Task A_session_outlives_the_console_and_not_its_key()
    {
        string cookie;
        await using (var first = await ConsoleRig.StartAsync(("Console:KeyFolder", keys.FullName)))
        {
            using var browser = first.Browser();
            using var answer = await browser.SignInAsync(TestKeys.Operator);
            cookie = answer
                .Headers.GetValues("Set-Cookie")
                .Single(value => value.StartsWith("eventstream-session"))
                .Split(';')[0];
        }

        await using var second = await ConsoleRig.StartAsync(("Console:KeyFolder", keys.FullName));
        // The operator has another key there.
        await using var third = await ConsoleRig.StartAsync(
            ("Console:KeyFolder", keys.FullName),
            ("Access:Keys:3:Sha256", new string('a', 64))
        );

        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.Unauthorized),
            (await StatusAsync(second, cookie), await StatusAsync(third, cookie))
        );
    }

    [Fact]
    public async Task A_session_ends_by_itself()
    {
        await using var rig = await ConsoleRig.StartAsync(("Console:SessionLifetime", "00:00:02"));
        using var browser = await rig.SignedInAsync(TestKeys.Operator);

        await Wait.UntilAsync(
            "the session ended",
            async () =>
            {
                using var answer = await browser.GetAsync("/api/videos");
                return answer.StatusCode == HttpStatusCode.Unauthorized;
            }
        );
    }

    [Theory]
    [InlineData("evil.example", null)]
    [InlineData("evil.example", "localhost")]
    [InlineData("127.0.0.1", "evil.example")]
    public async Task A_name_that_points_to_this_machine_is_no_name_of_the_console(string host, string? forwarded)
    {
        await using var rig = await ConsoleRig.StartAsync(("Urls:Public:console", "https://console.example"));
        using var http = TestKeys.Client(TestKeys.Operator, rig.Url);
        using var own = new HttpRequestMessage(HttpMethod.Get, "/api/videos");
        own.Headers.Host = "console.example";
        using var welcome = await http.SendAsync(own);
        Assert.Equal(HttpStatusCode.OK, welcome.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/videos");
        request.Headers.Host = host;
        if (forwarded is not null)
            request.Headers.Add("X-Forwarded-Host", forwarded);
        if (forwarded is not null)
            request.Headers.Add("X-Forwarded-For", "127.0.0.1");

        using var answer = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("EVENTSTREAM__URLS__PUBLIC__CONSOLE", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_page_talks_to_the_console_only_except_the_player()
    {
        await using var rig = await ConsoleRig.StartAsync();
        using var browser = await rig.SignedInAsync(TestKeys.Operator);
        async Task<string> PolicyAsync(string path)
        {
            using var page = await browser.GetAsync(path);
            Assert.Equal("same-origin", page.Headers.GetValues("Cross-Origin-Resource-Policy").Single());
            return page.Headers.GetValues("Content-Security-Policy").Single();
        }

        Assert.DoesNotContain("connect-src", await PolicyAsync("/operations"));
        Assert.Contains("connect-src *", await PolicyAsync("/watch/01a00000-0000-7000-8000-000000000000"));
        using var settings = await browser.GetAsync("/api/settings");
        Assert.Equal(HttpStatusCode.NotFound, settings.StatusCode);
    }

    private static async Task<HttpStatusCode> StatusAsync(ConsoleRig rig, string cookie)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, rig.Url + "/api/videos");
        request.Headers.Add("Cookie", cookie);
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }
}
