using EventStream.Capacity;
using EventStream.Collect;
using EventStream.Console;
using EventStream.Edge;
using EventStream.Encode;
using EventStream.Hosting;
using EventStream.Playback;
using EventStream.Qoe;
using EventStream.Traffic;
using EventStream.Upload;
using EventStream.Warehouse.Sink;

namespace EventStream.Cli;

/// <summary>Every role that <c>eventstream run</c> knows, in the order of the journey. One line each.</summary>
public static class Roles
{
    private static readonly Func<IRole>[] Factories =
    [
        () => new UploadRole(),
        () => new EncodePlannerRole(),
        () => new EncodeWorkerRole(),
        () => new PlaybackRole(),
        () => new EdgeRole(),
        () => new TrafficRole(),
        () => new CollectRole(),
        () => new QoeRole(),
        () => new WarehouseRole(),
        () => new CapacityRole(),
        () => new ConsoleRole(),
        () => new BrokerRole(),
        () => new ClickHouseRole(),
    ];

    /// <summary>A fresh instance of every role.</summary>
    public static IReadOnlyList<IRole> All() => [.. Factories.Select(make => make())];

    /// <summary>
    /// The roles of these names, in the order given, each once. Throws <see cref="CommandException"/> naming the roles
    /// that exist when a name is not one of them.
    /// </summary>
    public static IReadOnlyList<IRole> Named(IReadOnlyList<string> names)
    {
        var known = All().ToDictionary(role => role.Name, StringComparer.Ordinal);
        var unknown = names.Where(name => !known.ContainsKey(name)).ToArray();
        if (unknown.Length > 0)
        {
            throw new CommandException(
                $"'{string.Join("', '", unknown)}' is not a role. The roles are: {string.Join(", ", known.Keys)}."
            );
        }

        return [.. names.Distinct(StringComparer.Ordinal).Select(name => known[name])];
    }
}
