using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Tus;

/// <summary>
/// The tus checksum extension: <c>Upload-Checksum: sha1 BASE64</c> or <c>sha256</c>. A chunk with a checksum is set
/// aside, and stored only when it is whole and right.
/// </summary>
internal sealed class ChunkChecksum
{
    public const string Algorithms = "sha1,sha256";
    private readonly HashAlgorithmName algorithm;
    private readonly byte[] expected;

    private ChunkChecksum(HashAlgorithmName algorithm, byte[] expected) =>
        (this.algorithm, this.expected) = (algorithm, expected);

    /// <summary>
    /// Reads the header; null where there is none. Throws <see cref="UploadProblemException"/> (400).
    /// </summary>
    public static ChunkChecksum? From(HttpRequest request)
    {
        var text = request.Headers["Upload-Checksum"].ToString();
        if (text.Length == 0)
            return null;
        var parts = text.Split(' ', 2, StringSplitOptions.TrimEntries);
        var named = parts[0] switch
        {
            "sha1" => HashAlgorithmName.SHA1,
            "sha256" => HashAlgorithmName.SHA256,
            _ => throw Bad($"The algorithm '{parts[0]}' is not one of {Algorithms}."),
        };
        var size = named == HashAlgorithmName.SHA1 ? SHA1.HashSizeInBytes : SHA256.HashSizeInBytes;
        var hash = new byte[64];
        if (parts.Length < 2 || !Convert.TryFromBase64String(parts[1], hash, out var written) || written != size)
            throw Bad($"The value must be base64 of the {size} bytes of the {parts[0]} hash of the chunk.");
        return new ChunkChecksum(named, hash[..written]);
    }

    /// <summary>The checksum of a chunk whose SHA-256 is known.</summary>
    public static ChunkChecksum OfSha256(byte[] hash) => new(HashAlgorithmName.SHA256, hash);

    /// <summary>
    /// Copies the chunk to a temporary file, checks it and returns the file, which disappears when it is closed. Throws
    /// <see cref="UploadProblemException"/> (460) when the checksum differs.
    /// </summary>
    public async Task<Stream> SetAsideAsync(Stream body, CancellationToken cancellation)
    {
        var file = new FileStream(
            Path.Combine(Path.GetTempPath(), $"eventstream-chunk-{Guid.NewGuid():N}"),
            FileMode.CreateNew,
            FileAccess.ReadWrite,
            FileShare.None,
            128 * 1024,
            FileOptions.Asynchronous | FileOptions.DeleteOnClose
        );
        // A process that is killed leaves nothing: an open file needs no name.
        if (!OperatingSystem.IsWindows())
            File.Delete(file.Name);
        try
        {
            using var hash = IncrementalHash.CreateHash(algorithm);
            var buffer = new byte[128 * 1024];
            int read;
            while ((read = await body.ReadAsync(buffer, cancellation)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), cancellation);
            }

            if (!CryptographicOperations.FixedTimeEquals(hash.GetHashAndReset(), expected))
                throw Mismatch();
            file.Position = 0;
            return file;
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "Upload-Checksum cannot be used", detail);

    private static UploadProblemException Mismatch() =>
        new(
            UploadProblemException.ChecksumMismatch,
            "The chunk's checksum differs",
            "The bytes that arrived are not those that were hashed; the chunk was thrown away. Send it again at the "
                + "same offset."
        );
}
