namespace EventStream.Contracts;

/// <summary>The states of a player, key <c>sta</c> of CMCD version 2 (CTA-5004-B).</summary>
public static class PlayerState
{
    public const string Starting = "s";
    public const string Playing = "p";
    public const string Seeking = "k";
    public const string Rebuffering = "r";
    public const string Paused = "a";
    public const string Waiting = "w";
    public const string Ended = "e";
    public const string Fatal = "f";
    public const string Quit = "q";
    public const string Preloading = "d";

    /// <summary>What people read in place of each letter.</summary>
    public static readonly IReadOnlyDictionary<string, string> Names = new Dictionary<string, string>(
        StringComparer.Ordinal
    )
    {
        [Starting] = "starting",
        [Playing] = "playing",
        [Seeking] = "seeking",
        [Rebuffering] = "stalled",
        [Paused] = "paused",
        [Waiting] = "waiting",
        [Ended] = "ended",
        [Fatal] = "failed",
        [Quit] = "quit",
        [Preloading] = "preloading",
    };
}

/// <summary>
/// The kinds of CMCD reports, key <c>e</c> of CMCD version 2 (CTA-5004-B), that the platform distinguishes.
/// </summary>
public static class PlayerEvent
{
    public const string StateChange = "ps";
    public const string BitrateChange = "bc";
    public const string Error = "e";
    public const string Interval = "t";
    public const string Response = "rr";

    /// <summary>A request record of CMCD version 1, which has no kinds.</summary>
    public const string VersionOne = "v1";
}

/// <summary>Why a session ended, as in <see cref="SessionFinished"/>.</summary>
public static class SessionEnd
{
    /// <summary>The video was played to its end.</summary>
    public const string Ended = "ended";

    /// <summary>The viewer left.</summary>
    public const string Quit = "quit";

    /// <summary>An error from which the player did not recover.</summary>
    public const string Fatal = "fatal";

    /// <summary>No report came for the session timeout.</summary>
    public const string Timeout = "timeout";
}
