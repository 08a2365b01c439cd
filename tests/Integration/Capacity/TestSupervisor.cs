using EventStream.Capacity.Scaling;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EventStream.Integration.Tests.Capacity;

/// <summary>The scaling routes of a supervisor that runs up to four replicas.</summary>
internal sealed class TestSupervisor : IAsyncDisposable
{
    private readonly List<string> reasons = [];
    private WebApplication? app;
    private volatile int replicas = 1;

    public int Replicas => replicas;

    public string? Refusal { get; set; }

    public string Url => app!.Urls.First();

    public IReadOnlyList<string> Reasons
    {
        get
        {
            lock (reasons)
                return [.. reasons];
        }
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Use(AllowServices);
        app.MapGet("/v1/scale/{target}", (string target) => new SupervisorScale(target, replicas, 1, 4));
        app.MapPut("/v1/scale/{target}", Scale);
        await app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await app!.StopAsync();
        await app.DisposeAsync();
    }

    private static Task AllowServices(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Headers.Authorization == $"Bearer {TestKeys.Service}")
            return next(context);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    }

    private IResult Scale(string target, SupervisorScaleRequest wanted)
    {
        if (Refusal is { } refusal)
            return Results.Problem(refusal, statusCode: 503, title: "A worker did not start");
        lock (reasons)
            reasons.Add(wanted.Reason);
        replicas = wanted.Replicas;
        return Results.Json(new SupervisorScale(target, replicas, 1, 4));
    }
}
