using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>Requests that a broker does not know.</summary>
internal static class RequestScenarios
{
    public static async Task VersionsAsync(World world)
    {
        var versions = await world.Wire.AskAsync((short)ApiKey.ApiVersions, 99, true, _ => { }, flexibleAnswer: false);
        versions.Flexible = false;
        world.Saw("ApiVersions in version 99", Wire.Name(versions.ReadInt16()));
        world.Saw(
            "of which it tells the range",
            Enumerable
                .Range(0, versions.ReadArrayLength())
                .Select(_ => (Key: versions.ReadInt16(), Min: versions.ReadInt16(), Max: versions.ReadInt16()))
                .Single(api => api.Key == (short)ApiKey.ApiVersions)
        );
        foreach (
            var (api, version) in new (short, short)[]
            {
                ((short)ApiKey.Produce, 2),
                ((short)ApiKey.Produce, 99),
                ((short)ApiKey.Fetch, 3),
                ((short)ApiKey.Fetch, 99),
                ((short)ApiKey.Metadata, 99),
                ((short)ApiKey.CreateTopics, 1),
                (999, 0),
                (-1, 0),
            }
        )
        {
            using var wire = await Wire.ConnectAsync(world.Bootstrap);
            var name = Enum.IsDefined((ApiKey)api) ? $"{(ApiKey)api}" : $"API {api}";
            world.Saw($"{name} in version {version}", await wire.OutcomeAsync(api, version, false, _ => { }));
        }
        world.Saw(
            "the first connection goes on",
            Wire.Name((await world.Wire.AskAsync((short)ApiKey.ApiVersions, 0, false, _ => { }, false)).ReadInt16())
        );
    }
}
