using System.Net;

namespace EventStream.Upload.Outbound;

/// <summary>
/// Hosts by name: <c>*</c> for all of them, <c>*.example.com</c> for those below a name, or a name.
/// </summary>
public sealed class HostList(IReadOnlyList<string> names)
{
    /// <summary>Every host.</summary>
    public static readonly HostList All = new(["*"]);

    public bool Contains(string host) =>
        names.Any(name =>
            name == "*"
            || name.Equals(host.TrimEnd('.'), StringComparison.OrdinalIgnoreCase)
            || (
                name.StartsWith("*.", StringComparison.Ordinal)
                && host.TrimEnd('.').EndsWith(name[1..], StringComparison.OrdinalIgnoreCase)
            )
        );

    public override string ToString() => string.Join(", ", names);

    /// <summary>
    /// The networks of a setting: addresses and networks with commas. Adds a sentence to <paramref name="errors"/> for
    /// each that is neither.
    /// </summary>
    public static IReadOnlyList<IPNetwork> Networks(
        string setting,
        IEnumerable<string> words,
        ICollection<string> errors
    )
    {
        var networks = new List<IPNetwork>();
        foreach (var word in words)
        {
            if (IPNetwork.TryParse(word, out var network))
                networks.Add(network);
            else if (IPAddress.TryParse(word, out var address))
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            else
                errors.Add($"{setting}: '{word}' is neither an address nor a network such as 10.1.0.0/16.");
        }

        return networks;
    }
}
