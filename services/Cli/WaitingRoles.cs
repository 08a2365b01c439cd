using EventStream.Hosting;

namespace EventStream.Cli;

/// <summary>
/// Answers at the addresses of roles that wait for what they cannot start without: <c>/health/live</c> as ever,
/// <c>/health/ready</c> and everything else 503 with the reason. So an operator who watches a role reads there, and
/// not only in a log, why it does no work.
/// </summary>
internal sealed class WaitingRoles(IReadOnlyList<IRole> roles, IConfiguration configuration) : IAsyncDisposable
{
    private readonly List<WebApplication> answering = [];
    private volatile string reason = "";

    /// <summary>Sets the reason; the first call begins to listen. Throws <see cref="CommandException"/>.</summary>
    public async Task SayAsync(string why, CancellationToken cancellation)
    {
        reason = why;
        if (answering.Count > 0)
            return;
        foreach (var role in roles)
        {
            var app = Build(role);
            answering.Add(app);
            await RoleProcess.ListenAsync(role, app, cancellation);
        }
    }

    /// <summary>Stops listening, which leaves the addresses to the roles.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var app in answering)
            await app.DisposeAsync();
        answering.Clear();
    }

    private WebApplication Build(IRole role)
    {
        var builder = WebApplication.CreateSlimBuilder();
        // Nothing of the surroundings decides where it listens.
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(RoleAddresses.Listen(configuration, role.Name));
        builder.Services.AddSingleton<IHostLifetime, SignalFreeLifetime>();
        var app = builder.Build();
        app.Run(AnswerAsync);
        return app;
    }

    private Task AnswerAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        if (context.Request.Path == "/health/live")
            return context.Response.WriteAsync("Healthy\n");
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync($"Unhealthy\nkafka: {reason}\n");
    }
}
