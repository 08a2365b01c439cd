using System.Net;
using System.Net.Http.Headers;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EventStream.Unit.Tests.Hosting;

/// <summary>Who gets through a role's doors, on a real host.</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private readonly WebApplication app = RoleHost.Build(
        new SampleRole(),
        RoleHost.ReadConfiguration(overrides: TestKeys.Pairs.Append(new("Listen:sample", "http://127.0.0.1:0")))
    );

    public Task InitializeAsync() => app.StartAsync();

    public async Task DisposeAsync() => await app.DisposeAsync();

    [Theory]
    [InlineData("/open", null, 200)]
    [InlineData("/open", "an unknown key of a stranger", 200)]
    [InlineData("/forgotten", null, 401)]
    [InlineData("/forgotten", "an unknown key of a stranger", 401)]
    [InlineData("/forgotten", TestKeys.Publisher, 403)]
    [InlineData("/forgotten", TestKeys.Analyst, 403)]
    [InlineData("/forgotten", TestKeys.EdgeA, 403)]
    [InlineData("/forgotten", TestKeys.Operator, 200)]
    [InlineData("/forgotten", TestKeys.Service, 200)]
    [InlineData("/videos", TestKeys.Publisher, 200)]
    [InlineData("/videos", TestKeys.Analyst, 200)]
    [InlineData("/videos", TestKeys.EdgeA, 403)]
    [InlineData("/logs", TestKeys.EdgeB, 200)]
    [InlineData("/logs", TestKeys.Operator, 403)]
    [InlineData("/service", TestKeys.Operator, 403)]
    [InlineData("/health/live", null, 200)]
    public async Task A_key_opens_what_its_role_may_use(string path, string? key, int status)
    {
        using var answer = await SendAsync(path, key);
        Assert.Equal(status, (int)answer.StatusCode);
        if (status < 400)
            return;
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = await answer.Content.ReadAsStringAsync();
        Assert.Contains(status == 401 ? "Authorization: Bearer KEY" : "docs/security.md", problem);
        if (key is not null)
            Assert.DoesNotContain(key, problem);
    }

    [Fact]
    public async Task A_method_that_a_route_does_not_have_is_not_the_keys_fault()
    {
        using var client = TestKeys.Client(TestKeys.Publisher);
        using var answer = await client.PutAsync($"{app.Urls.First()}/videos", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["GET"], answer.Content.Headers.Allow);
        Assert.Contains("PUT /videos", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_speaks_for_a_user_with_no_more_than_the_users_rights()
    {
        var user = KeyAuthentication.Format(new Caller("Big Buck", AccessRole.Publisher));
        using var videos = await SendAsync("/videos", TestKeys.Service, user);
        Assert.Equal("publisher Big Buck", await videos.Content.ReadAsStringAsync());
        using var closed = await SendAsync("/forgotten", TestKeys.Service, user);
        Assert.Equal(HttpStatusCode.Forbidden, closed.StatusCode);
    }

    [Theory]
    [InlineData("service x")]
    [InlineData("edge edge-a")]
    [InlineData("nonsense")]
    public async Task A_service_cannot_speak_for_what_is_no_user(string user)
    {
        using var answer = await SendAsync("/videos", TestKeys.Service, user);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task Nobody_but_a_service_speaks_for_another()
    {
        var user = KeyAuthentication.Format(new Caller("operator", AccessRole.Operator));
        using var answer = await SendAsync("/forgotten", TestKeys.Publisher, user);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public void Every_fault_of_the_settings_is_said_at_once()
    {
        var settings = new Dictionary<string, string?>
        {
            ["Access:Keys:0:Role"] = "king",
            ["Access:Keys:0:Sha256"] = "secret",
            ["Access:ServiceKey"] = "short",
        };
        var said = Faults(settings);
        foreach (var word in (string[])["Name", "'king'", "Sha256", "Access:ServiceKey"])
            Assert.Contains(word, said);
        Assert.DoesNotContain("secret", said);
    }

    [Theory]
    [InlineData("publisher,operator")]
    [InlineData("2")]
    public void A_key_has_one_role_by_its_name(string role)
    {
        var settings = new Dictionary<string, string?>(TestKeys.Pairs) { ["Access:Keys:0:Role"] = role };
        Assert.Contains($"'{role}' is none of", Faults(settings));
    }

    private static string Faults(Dictionary<string, string?> settings)
    {
        var errors = new List<string>();
        _ = AccessOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), errors);
        return string.Join(' ', errors);
    }

    [Fact]
    public async Task A_body_in_a_charset_that_there_is_not_is_refused_as_such()
    {
        using var client = new HttpClient();
        using var body = new StringContent("{}");
        body.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json; charset=klingon");
        using var answer = await client.PostAsync(new Uri(app.Urls.First() + "/json"), body);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        Assert.Contains("klingon", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public void Strangers_do_not_fill_the_log()
    {
        var logger = app.Services.GetRequiredService<ILogger<KeyAuthentication>>();
        Assert.False(logger.IsEnabled(LogLevel.Information));
        Assert.True(logger.IsEnabled(LogLevel.Warning));
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string? key, string? onBehalfOf = null)
    {
        using var client = key is null ? new HttpClient() : TestKeys.Client(key);
        if (onBehalfOf is not null)
            client.DefaultRequestHeaders.Add(KeyAuthentication.OnBehalfOf, onBehalfOf);
        return await client.GetAsync(new Uri(app.Urls.First() + path));
    }

    private sealed class SampleRole : IRole
    {
        public string Name => "sample";

        public string Summary => "has one route of each kind";

        public void Configure(WebApplicationBuilder builder) { }

        public void Map(WebApplication app)
        {
            app.MapGet("/open", () => "open").AllowAnonymous();
            app.MapPost("/json", (Dictionary<string, string> body) => body.Count).AllowAnonymous();
            app.MapGet("/forgotten", () => "closed");
            app.MapGet(
                    "/videos",
                    (HttpContext http) => $"{KeyAuthentication.Word(http.Caller()!.Role)} {http.Caller()!.Name}"
                )
                .RequireAuthorization(Policies.ReadVideos);
            app.MapGet("/logs", () => "logs").RequireAuthorization(Policies.DeliverLogs);
            app.MapGet("/service", () => "service").RequireAuthorization(Policies.Service);
        }
    }
}
