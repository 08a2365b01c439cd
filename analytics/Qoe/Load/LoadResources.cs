namespace EventStream.Qoe.Load;

/// <summary>The names of what has a load.</summary>
internal static class LoadResources
{
    public const string Requests = "requests";
    public const string Bytes = "bytes";

    public static string RequestsOf(string edge) => $"edge:{edge}:{Requests}";

    public static string BytesOf(string edge) => $"edge:{edge}:{Bytes}";

    /// <summary>Those that are reported from the first step on: the viewers and each edge configured.</summary>
    public static IEnumerable<(string Resource, string Unit)> Expected(QoeOptions options) =>
        options
            .Edges.SelectMany(edge => new[] { (RequestsOf(edge.Name), Requests), (BytesOf(edge.Name), Bytes) })
            .Prepend((LoadPart.Viewers, "sessions"));
}
