using EventStream.Hosting.Access;

namespace EventStream.Tests.Kit;

/// <summary>
/// The keys that roles under test know: a publisher, an analyst, an operator, two edges and the service credential.
/// </summary>
public static class TestKeys
{
    public const string Publisher = "test-key-of-the-publisher";
    public const string OtherPublisher = "test-key-of-the-other-publisher";
    public const string Analyst = "test-key-of-the-analyst";
    public const string Operator = "test-key-of-the-operator";
    public const string EdgeA = "test-key-of-edge-a";
    public const string EdgeB = "test-key-of-edge-b";
    public const string Service = "test-key-of-the-service";

    private static readonly (string Name, AccessRole Role, string Key)[] Known =
    [
        ("studio", AccessRole.Publisher, Publisher),
        ("other-studio", AccessRole.Publisher, OtherPublisher),
        ("analyst", AccessRole.Analyst, Analyst),
        ("operator", AccessRole.Operator, Operator),
        ("edge-a", AccessRole.Edge, EdgeA),
        ("edge-b", AccessRole.Edge, EdgeB),
    ];

    /// <summary>The settings of a role that knows them, as <c>Section:Key</c>.</summary>
    public static IReadOnlyList<(string Key, string Value)> Settings { get; } =
    [
        ("Access:ServiceKey", Service),
        .. Known.SelectMany(
            (entry, i) =>
                ((string, string)[])
                    [
                        ($"Access:Keys:{i}:Name", entry.Name),
                        ($"Access:Keys:{i}:Role", KeyAuthentication.Word(entry.Role)),
                        ($"Access:Keys:{i}:Sha256", AccessOptions.Hash(entry.Key)),
                    ]
        ),
    ];

    /// <summary>The same, for a configuration in memory.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Pairs =>
        Settings.Select(entry => KeyValuePair.Create<string, string?>(entry.Key, entry.Value));

    /// <summary>A client that sends a key with each request.</summary>
    public static HttpClient Client(string key, string? baseAddress = null)
    {
        var client = new HttpClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", key);
        if (baseAddress is not null)
            client.BaseAddress = new Uri(baseAddress);
        return client;
    }
}
