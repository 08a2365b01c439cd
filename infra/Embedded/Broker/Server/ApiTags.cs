using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Server;

/// <summary>One metric tag for each API, made once, so that counting a request allocates nothing.</summary>
internal static class ApiTags
{
    private static readonly KeyValuePair<string, object?>[] ByKey = Make();
    private static readonly KeyValuePair<string, object?> Unknown = new("api", "unknown");

    public static KeyValuePair<string, object?> Of(ApiKey api) =>
        (uint)api < (uint)ByKey.Length ? ByKey[(int)api] : Unknown;

    private static KeyValuePair<string, object?>[] Make()
    {
        var tags = new KeyValuePair<string, object?>[(int)Enum.GetValues<ApiKey>().Max() + 1];
        for (var i = 0; i < tags.Length; i++)
        {
            tags[i] = new("api", Enum.IsDefined((ApiKey)i) ? ((ApiKey)i).ToString() : "unknown");
        }
        return tags;
    }
}
