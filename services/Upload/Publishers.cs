using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload;

/// <summary>
/// Who asks: API keys are compared as SHA-256 hashes in constant time, all of them, whichever matches.
/// </summary>
public sealed class Publishers(UploadOptions options)
{
    private readonly (string Name, byte[] Hash)[] known =
        [.. options.Publishers.Select(publisher => (publisher.Name, Convert.FromHexString(publisher.KeySha256)))];

    /// <summary>
    /// The publisher of a request. Throws <see cref="UploadProblemException"/> (401) without a known key.
    /// </summary>
    public string Require(HttpContext context) =>
        Find(KeyOf(context.Request) ?? throw Unauthorized("The request has no API key."))
        ?? throw Unauthorized("The API key is not known.");

    /// <summary>Reads are free for programs on this machine; from elsewhere they need a key as writes do.</summary>
    public void RequireToRead(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)) return;
        Require(context);
    }

    private string? Find(string key)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(key), hash);
        string? found = null;
        foreach (var publisher in known)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, publisher.Hash)) found = publisher.Name;
        }

        return found;
    }

    private static string? KeyOf(HttpRequest request)
    {
        const string Bearer = "Bearer ";
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith(Bearer,
            StringComparison.OrdinalIgnoreCase)) return authorization[Bearer.Length..].Trim();
        var key = request.Headers["X-Api-Key"].ToString();
        return key.Length > 0 ? key : null;
    }

    private static UploadProblemException Unauthorized(string what) => new(
        StatusCodes.Status401Unauthorized, "An API key is needed",
        $"{what} Send 'Authorization: Bearer KEY' or 'X-Api-Key: KEY' with a key whose SHA-256 is configured under "
        + "Upload:Publishers.");
}
