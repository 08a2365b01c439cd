using System.Globalization;
using System.Security.Cryptography;

namespace EventStream.Collect.CdnLogs;

/// <summary>
/// Distinguishes one log file from the next under the same name, by the digest of its first line: every line has a
/// request id of its own, so no two files begin alike. File numbers would not do, as a file system gives them out
/// again.
/// </summary>
internal static class FileIdentity
{
    private const int FirstLineBytesMax = 4096;

    /// <summary>The identity of a file, or "empty" while it has no whole line.</summary>
    public static string Of(FileStream file)
    {
        var buffer = new byte[FirstLineBytesMax];
        file.Seek(0, SeekOrigin.Begin);
        var count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        var end = Array.IndexOf(buffer, (byte)'\n', 0, count);
        if (end < 0 && count < FirstLineBytesMax)
            return "empty";
        var digest = SHA256.HashData(buffer.AsSpan(0, end < 0 ? count : end));
        return Convert.ToHexString(digest, 0, 8).ToLower(CultureInfo.InvariantCulture);
    }
}
