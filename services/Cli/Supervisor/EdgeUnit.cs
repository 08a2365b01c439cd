using EventStream.Edge;

namespace EventStream.Cli.Supervisor;

/// <summary>An edge cache of the platform: nginx with the configuration that Playback writes for it.</summary>
internal sealed class EdgeUnit(EdgePlace place, DataFolder data, PortPlan ports, IConfiguration configuration) : IUnit
{
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
            return new Running(await EdgeProcess.StartAsync(options, configuration, cancellation));
        }
        catch (EdgeStartException e)
        {
            throw new CommandException(e.Message, e);
        }
    }

    private sealed class Running(EdgeProcess edge) : IRunningUnit
    {
        public int ProcessId => edge.ProcessId;

        public async Task<string> WaitForExitAsync(CancellationToken cancellation)
        {
            await edge.WaitForExitAsync(cancellation);
            return "ended; error.log in its folder says why";
        }

        public ValueTask DisposeAsync() => edge.DisposeAsync();
    }
}
