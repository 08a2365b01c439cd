using EventStream.Edge;
using EventStream.Processes;
using EventStream.Processes.Nginx;

namespace EventStream.Cli.Supervisor;

/// <summary>An edge cache of the platform: nginx with the configuration that Playback writes for it.</summary>
internal sealed class EdgeUnit(
    EdgePlace place,
    DataFolder data,
    PortPlan ports,
    IConfiguration configuration,
    TimeProvider clock
) : IUnit
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    public string Name => place.Name;

    public IReadOnlyList<string> Roles => [$"edge {place.Region}"];

    public async Task<IRunningUnit> StartAsync(CancellationToken cancellation)
    {
        var options = new EdgeOptions
        {
            Name = place.Name,
            Region = place.Region,
            Port = place.Port,
            Folder = data.CreateEdge(place.Name),
            OriginUrl = ports.Url("playback"),
            SigningKey = data.Secret(DataFolder.SigningKey),
        };
        try
        {
            await NginxOrphans.EndAsync(options.Folder, cancellation);
            var edge = await EdgeProcess.StartAsync(options, configuration, cancellation);
            return new Running(
                edge,
                new DaemonGuard(configuration, Path.Combine(options.Folder, "nginx.pid"), "TERM"),
                options.Folder,
                clock
            );
        }
        catch (EdgeStartException e)
        {
            throw new CommandException(e.Message, e);
        }
    }

    private sealed class Running(EdgeProcess edge, DaemonGuard guard, string folder, TimeProvider clock) : IRunningUnit
    {
        public int ProcessId => edge.ProcessId;

        public async Task<string> WaitForExitAsync(CancellationToken cancellation)
        {
            // Waiting for the process would also wait for its output, which workers without a master keep open.
            while (!edge.HasExited)
                await Task.Delay(LookInterval, clock, cancellation);
            return "ended; error.log in its folder says why";
        }

        public async ValueTask DisposeAsync()
        {
            await edge.DisposeAsync();
            await NginxOrphans.EndAsync(folder, CancellationToken.None);
            guard.Dispose();
        }
    }
}
