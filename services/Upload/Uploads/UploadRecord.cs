using EventStream.Contracts;

namespace EventStream.Upload.Uploads;

/// <summary>
/// What is known of an upload besides its bytes. Length in bytes; metadata as the client sent it; expected SHA-256 in
/// lower-case hex, if the client named one; the trace that the upload began.
/// </summary>
public sealed record UploadRecord(
    VideoId VideoId, string Publisher, long LengthBytes, string Metadata, string? Sha256, string State,
        string? TraceParent,
    DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)
{
    public const string Open = "open";
    public const string Completed = "completed";
    public const string Rejected = "rejected";
    public const string Expired = "expired";
    public const string Terminated = "terminated";

    /// <summary>The media key under which the bytes grow.</summary>
    public string SourceKey => $"sources/{VideoId}/source";
}
