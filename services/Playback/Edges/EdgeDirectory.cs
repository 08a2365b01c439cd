using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace EventStream.Playback.Edges;

/// <summary>
/// In which order edges are offered to a region: Traffic's word, kept for a second, and the configured order while
/// Traffic does not answer. It never throws and never waits longer than <see cref="AnswerTimeout"/>.
/// </summary>
public sealed partial class EdgeDirectory(
    PlaybackOptions options,
    HttpClient http,
    TimeProvider clock,
    ILogger<EdgeDirectory> logger
) : IDisposable
{
    /// <summary>How long an answer, or the lack of one, is used again.</summary>
    public static readonly TimeSpan CacheTime = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait for Traffic; where it is gone it refuses at once.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    // A viewer may name any region; only those that an edge serves are distinguished, so that strangers fill nothing.
    private readonly ConcurrentDictionary<string, Entry> known = new(StringComparer.Ordinal);
    private string? trouble;
    private readonly SemaphoreSlim asking = new(1);

    /// <summary>Why the order is not that of Traffic, or null where it is.</summary>
    public string? Trouble => Volatile.Read(ref trouble);

    /// <summary>Edges in the order in which players of the region are to use them; at least one.</summary>
    public async ValueTask<IReadOnlyList<EdgeAddress>> OrderAsync(string region, CancellationToken cancellation)
    {
        if (options.Edges.All(edge => edge.Region != region))
            region = "";
        if (Fresh(region) is { } order)
            return order;
        await asking.WaitAsync(cancellation);
        try
        {
            if (Fresh(region) is { } meanwhile)
                return meanwhile;
            var asked = await AskAsync(region, cancellation);
            known[region] = new Entry(asked, clock.GetTimestamp());
            return asked;
        }
        finally
        {
            asking.Release();
        }
    }

    public void Dispose() => asking.Dispose();

    private IReadOnlyList<EdgeAddress>? Fresh(string region) =>
        known.TryGetValue(region, out var entry) && clock.GetElapsedTime(entry.At) < CacheTime ? entry.Order : null;

    private async Task<IReadOnlyList<EdgeAddress>> AskAsync(string region, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(AnswerTimeout);
        try
        {
            var url = $"{options.TrafficUrl}/v1/edges?region={Uri.EscapeDataString(region)}";
            var map = await http.GetFromJsonAsync<EdgeMapAnswer>(url, JsonSerializerOptions.Web, timeout.Token);
            if (Sort(map) is { Count: > 0 } order)
            {
                Volatile.Write(ref trouble, null);
                return order;
            }

            Unusable(logger, url);
            Volatile.Write(ref trouble, $"{url} names no usable edge; the configured order is used.");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            Silent(logger, e.Message);
            Volatile.Write(ref trouble, Sentence(e));
        }

        return options.Edges;
    }

    private static string Sentence(Exception e) =>
        e is HttpRequestException { StatusCode: { } status }
            ? status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                ? "Traffic refuses this role's credential: set the same Access:ServiceKey (or ServiceKeyFile) for both."
                : $"Traffic answers {(int)status}; the configured order of edges is used."
            : $"Traffic does not answer ({e.Message}); the configured order of edges is used.";

    private static List<EdgeAddress> Sort(EdgeMapAnswer? map)
    {
        var edges = (map?.Edges ?? [])
            .Where(edge => edge.IsUsable())
            .DistinctBy(edge => edge.Name)
            .ToDictionary(edge => edge.Name, edge => edge with { Url = edge.Url.TrimEnd('/') });
        return (map?.Order ?? [])
            .Distinct()
            .Select(name => edges.GetValueOrDefault(name))
            .OfType<EdgeAddress>()
            .ToList();
    }

    [LoggerMessage(
        Level = LogLevel.Debug,
        Message = "Traffic does not answer ({Reason}); the configured order of edges is used"
    )]
    private static partial void Silent(ILogger logger, string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Url} names no usable edge; the configured order of edges is used"
    )]
    private static partial void Unusable(ILogger logger, string url);

    private sealed record Entry(IReadOnlyList<EdgeAddress> Order, long At);

    private sealed record EdgeMapAnswer(IReadOnlyList<string>? Order, IReadOnlyList<EdgeAddress>? Edges);
}
