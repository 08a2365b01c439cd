using EventStream.Hosting;
using EventStream.Messaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EventStream.Edge;

/// <summary>
/// An edge cache as a role: nginx with the configuration that the tokens need, ready while nginx answers. Its access
/// log is for the role <c>collect</c> on the same machine, which follows it: <c>eventstream run edge collect</c>.
/// </summary>
public sealed class EdgeRole : IRole
{
    /// <summary>The verb of <c>eventstream run</c>.</summary>
    public const string RoleName = "edge";

    public string Name => RoleName;

    public string Summary => "an edge cache: nginx that checks signed URLs and keeps media near the viewers";

    public void Configure(WebApplicationBuilder builder)
    {
        builder.Services.AddRoleOptions(builder.Configuration, EdgeOptions.Read);
        builder.Services.AddSingleton<EdgeHost>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<EdgeHost>());
        builder.Services.AddReadiness(
            "nginx",
            (provider, _) => Task.FromResult(provider.GetRequiredService<EdgeHost>().Trouble)
        );
    }

    public void Map(WebApplication app) { }
}

/// <summary>
/// Starts the edge with its role and ends the role with the edge, so that what supervises it starts it again.
/// </summary>
internal sealed class EdgeHost(EdgeOptions options, IConfiguration configuration) : BackgroundService
{
    private EdgeProcess? edge;

    /// <summary>Why viewers are not served, or null while they are.</summary>
    public string? Trouble =>
        edge switch
        {
            null => "nginx is starting",
            { HasExited: true } => "nginx has ended",
            _ => null,
        };

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        edge = await EdgeProcess.StartAsync(options, configuration, cancellationToken);
        System.Console.WriteLine($"edge {options.Name}: viewers are served at {edge.Url}, origin {options.OriginUrl}");
        await base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (edge is not null)
            await edge.DisposeAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await edge!.WaitForExitAsync(stoppingToken);
        throw new EdgeStartException(
            options.Name,
            $"nginx ended; {Path.Combine(options.Folder, "error.log")} says why."
        );
    }
}
