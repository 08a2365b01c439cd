using System.Text.RegularExpressions;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// What a role says of itself at <c>/health/ready</c>: <c>ready</c>, <c>degraded</c> or <c>not ready</c>, and a
/// sentence for each check that is not in order.
/// </summary>
public sealed partial record RoleHealth(string Role, string State, IReadOnlyList<string> Why)
{
    /// <summary>It does its work.</summary>
    public const string Ready = "ready";

    /// <summary>It does its work, and something needs an operator's look.</summary>
    public const string Degraded = "degraded";

    /// <summary>It cannot do its work.</summary>
    public const string NotReady = "not ready";

    private const string Healthy = "Healthy";

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>Asks the role behind <paramref name="url"/>. One that does not answer is not ready.</summary>
    public static async Task<RoleHealth> AskAsync(string role, string url, CancellationToken cancellation)
    {
        try
        {
            using var answer = await Http.GetAsync(url, cancellation);
            return Read(role, answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellation));
        }
        catch (Exception e) when (e is HttpRequestException || !cancellation.IsCancellationRequested)
        {
            var why =
                e is OperationCanceledException
                    ? $"It does not answer within {Http.Timeout.TotalSeconds:0} s."
                    : $"It does not answer: {e.Message}";
            return new RoleHealth(role, NotReady, [why]);
        }
    }

    /// <summary>
    /// Reads a report: the overall word in the first line, then a line <c>check: Word sentence</c> for each check.
    /// </summary>
    public static RoleHealth Read(string role, bool isReady, string report)
    {
        var lines = report.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var why = new List<string>();
        var counts = false;
        foreach (var line in lines.Skip(1))
        {
            var match = Line().Match(line);
            // A sentence may go over several lines.
            if (!match.Success && counts)
                why[^1] += " " + line;
            if (!match.Success)
                continue;
            var (word, sentence) = (match.Groups["word"].Value, match.Groups["sentence"].Value);
            counts = word != Healthy;
            if (counts)
                why.Add($"{match.Groups["check"]}: {(sentence.Length > 0 ? sentence : word)}");
        }

        var state =
            !isReady ? NotReady
            : why.Count > 0 ? Degraded
            : Ready;
        return new RoleHealth(role, state, isReady || why.Count > 0 ? why : [report.Trim().ReplaceLineEndings(" ")]);
    }

    [GeneratedRegex(
        "^(?<check>[^:]+): (?<word>Healthy|Degraded|Unhealthy)( (?<sentence>.*))?$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Line();
}

/// <summary>
/// Asks the roles of every process that runs when somebody wants to know, and keeps the answer for
/// <see cref="Fresh"/>.
/// </summary>
internal sealed class PlatformHealth(Platform platform, TimeProvider clock) : IDisposable
{
    /// <summary>Age up to which an answer counts: several pages ask together.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim gate = new(1);
    private IReadOnlyDictionary<string, IReadOnlyList<RoleHealth>> latest =
        new Dictionary<string, IReadOnlyList<RoleHealth>>();

    private long? lookedAt;

    /// <summary>The health of the roles by the name of their process.</summary>
    public async Task<IReadOnlyDictionary<string, IReadOnlyList<RoleHealth>>> LookAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (lookedAt is { } at && clock.GetElapsedTime(at) < Fresh)
                return latest;
            var units = platform.Units.Where(unit => unit.State == UnitState.Ready).Select(unit => unit.Unit).ToList();
            var answers = await Task.WhenAll(units.Select(unit => unit.HealthAsync(cancellation)));
            lookedAt = clock.GetTimestamp();
            return latest = units
                .Zip(answers)
                .ToDictionary(pair => pair.First.Name, pair => pair.Second, StringComparer.Ordinal);
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose() => gate.Dispose();
}
