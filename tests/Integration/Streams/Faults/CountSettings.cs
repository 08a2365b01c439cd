using System.Text.Json;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>What an instance of the counting stream is started with.</summary>
internal sealed record CountSettings
{
    public required string Application { get; init; }

    public required string Input { get; init; }

    public required string Output { get; init; }

    public bool ExactlyOnce { get; init; } = true;

    /// <summary>Records a second that an instance processes at most, so that input is left; 0: no bound.</summary>
    public int Pace { get; init; }

    public int WindowMs { get; init; } = 20_000;

    public int GraceMs { get; init; } = 2_000;

    public int CommitMs { get; init; } = 100;

    /// <summary>Silence after which stream time follows the clock; 0: never.</summary>
    public int IdleAdvanceMs { get; init; }

    public static CountSettings Of(string argument) => JsonSerializer.Deserialize<CountSettings>(argument)!;

    public string ToArgument() => JsonSerializer.Serialize(this);
}
