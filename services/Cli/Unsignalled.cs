using EventStream.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace EventStream.Cli;

/// <summary>
/// A role whose host leaves signals alone: several hosts share the process, and <see cref="RoleProcess"/> alone decides
/// when all of them stop.
/// </summary>
internal sealed class Unsignalled(IRole inner) : IRole
{
    public string Name => inner.Name;

    public string Summary => inner.Summary;

    public int DefaultPort => inner.DefaultPort;

    public void Configure(WebApplicationBuilder builder)
    {
        inner.Configure(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, Lifetime>());
    }

    public void Use(WebApplication app) => inner.Use(app);

    public void Map(WebApplication app) => inner.Map(app);

    /// <summary>One that leaves signals alone.</summary>
    internal sealed class Lifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
