using EventStream.Contracts;

namespace EventStream.Upload.Uploads;

/// <summary>
/// What is known of an upload besides its bytes. Length in bytes, null until the client gives it; metadata as text that
/// may go into a header; expected SHA-256 in lower-case hex, if the client named one; the trace that the upload began.
/// </summary>
public sealed record UploadRecord(
    VideoId VideoId,
    string Publisher,
    long? LengthBytes,
    string Metadata,
    string? Sha256,
    string State,
    string? TraceParent,
    DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt
)
{
    public const string Open = "open";
    public const string Completed = "completed";
    public const string Joined = "joined";
    public const string Rejected = "rejected";
    public const string Expired = "expired";
    public const string Terminated = "terminated";

    /// <summary>A whole file.</summary>
    public const string Whole = "video";

    /// <summary>One part of a file. It is no video and raises no event.</summary>
    public const string Partial = "partial";

    /// <summary>A file that is joined from parts.</summary>
    public const string Final = "final";

    /// <summary><see cref="Whole"/>, <see cref="Partial"/> or <see cref="Final"/>.</summary>
    public string Kind { get; init; } = Whole;

    /// <summary>The parts of a final upload, in order.</summary>
    public IReadOnlyList<VideoId> Parts { get; init; } = [];

    /// <summary>The key of the request that made it, and a hash of what that request asked for.</summary>
    public string? IdempotencyKey { get; init; }

    public string? RequestHash { get; init; }

    public bool IsPartial => Kind == Partial;

    /// <summary>Whether every byte is there.</summary>
    public bool IsWhole => State is Completed or Joined;

    /// <summary>The media key under which the bytes grow.</summary>
    public string SourceKey => IsPartial ? PartKey(VideoId) : $"sources/{VideoId}/source";

    /// <summary>The media key of a part.</summary>
    public static string PartKey(VideoId part) => $"parts/{part}/part";
}
