using EventStream.Console.Live;
using EventStream.Console.SignIn;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;

namespace EventStream.Console;

/// <summary>The role <c>console</c>: the web pages of the platform and the reads behind them.</summary>
public sealed class ConsoleRole : IRole
{
    /// <summary>
    /// Newest records of each partition that are read at the start: enough for the charts' hours, little enough to be
    /// there in a second.
    /// </summary>
    private const int TailPerPartition = 2000;

    /// <summary>What holds for every page: nothing comes from, or goes to, another origin.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
        + "base-uri 'none'; form-action 'self'";

    /// <summary>The player page: playlists, segments, pictures and beacons are at addresses of the session.</summary>
    private const string PlayerSecurityPolicy =
        ContentSecurityPolicy + "; connect-src *; img-src * data: blob:; media-src * blob:; worker-src 'self' blob:";

    /// <summary>
    /// Our own pages send this header and read the status from another one: a role that is down, or a session without
    /// reports yet, is expected there and must not become an error in the browser's console.
    /// </summary>
    private const string PageHeader = "X-Console-Page";

    private const string StatusHeader = "X-Problem-Status";

    public string Name => "console";

    public string Summary => "web pages: upload, library, player, operations, data";

    public void Configure(WebApplicationBuilder builder)
    {
        var options = builder.Services.AddRoleOptions(builder.Configuration, ConsoleOptions.Read);
        builder.AddSessions(options);
        builder.Services.AddSingleton<SignInLimiter>();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<Gateway>();
        builder.Services.AddSingleton<LiveBoard>();
        builder.Services.AddSingleton<LiveListeners>();
        builder.Services.AddHostedService<UpstreamPoller>();
        builder
            .Services.AddHttpClient(
                Gateway.Client,
                client => client.MaxResponseContentBufferSize = options.AnswerBytesMax
            )
            .RemoveAllLoggers();
        builder.Services.AddEventConsumer(
            new ConsumerOptions("console", LiveBoard.Topics)
            {
                FromBeginning = true,
                TailPerPartition = TailPerPartition,
                BadRecords = BadRecordPolicy.Continue,
                ConcurrencyMax = 1,
            },
            (services, message, _) =>
            {
                services.GetRequiredService<LiveBoard>().Apply(message.Message);
                return Task.CompletedTask;
            }
        );
    }

    public void Use(WebApplication app)
    {
        app.UseHostCheck(Name);
        app.Use(
            (http, next) =>
            {
                var isPlayer = http.Request.Path.StartsWithSegments("/watch", StringComparison.Ordinal);
                http.Response.Headers.ContentSecurityPolicy = isPlayer ? PlayerSecurityPolicy : ContentSecurityPolicy;
                http.Response.Headers.XContentTypeOptions = "nosniff";
                http.Response.Headers["Referrer-Policy"] = "same-origin";
                http.Response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
                http.Response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
                if (http.Request.Headers.ContainsKey(PageHeader))
                    http.Response.OnStarting(SoftenAsync, http.Response);
                return next(http);
            }
        );
    }

    public void Map(WebApplication app)
    {
        app.UseAntiforgeryTokens();
        Assets.Map(app, app.Configuration);
        ConsoleApi.Map(app);
    }

    private static Task SoftenAsync(object state)
    {
        var response = (HttpResponse)state;
        if (response.StatusCode < StatusCodes.Status400BadRequest)
            return Task.CompletedTask;
        response.Headers[StatusHeader] = response.StatusCode.ToString(
            System.Globalization.CultureInfo.InvariantCulture
        );
        response.StatusCode = StatusCodes.Status200OK;
        return Task.CompletedTask;
    }
}
