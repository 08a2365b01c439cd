using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace EventStream.Embedded.ClickHouse;

/// <summary>Who sends a statement.</summary>
internal sealed record ClickHouseUser(string Name, bool ReadOnly);

/// <summary>
/// The two users of the embedded engine, which has none itself: one that writes and one that only reads.
/// </summary>
internal static class ClickHouseUsers
{
    /// <summary>
    /// Takes user and password from X-ClickHouse-User/-Key, else basic authentication, else the URL; without a
    /// name the user <c>default</c> is meant. No user is without a password. Throws
    /// <see cref="ClickHouseException"/> 516.
    /// </summary>
    public static ClickHouseUser Authenticate(HttpRequest request, EmbeddedOptions options)
    {
        var (name, password) = Credentials(request);
        name = string.IsNullOrEmpty(name) ? "default" : name;
        var expected =
            name == options.User ? options.Password
            : name == options.ReaderUser ? options.ReaderPassword
            : throw Failed(name);
        if (string.IsNullOrEmpty(expected) || !Same(expected, password))
            throw Failed(name);
        return new ClickHouseUser(name, name == options.ReaderUser);
    }

    private static (string? Name, string Password) Credentials(HttpRequest request)
    {
        var headers = request.Headers;
        if (headers.ContainsKey("X-ClickHouse-User") || headers.ContainsKey("X-ClickHouse-Key"))
            return (headers["X-ClickHouse-User"].ToString(), headers["X-ClickHouse-Key"].ToString());
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            var bytes = new byte[authorization.Length];
            if (!Convert.TryFromBase64String(authorization[6..].Trim(), bytes, out var length))
                throw Failed("?");
            var pair = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
            return (pair[0], pair.Length > 1 ? pair[1] : "");
        }

        return (request.Query["user"].ToString(), request.Query["password"].ToString());
    }

    private static bool Same(string expected, string given) =>
        CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(expected)),
            SHA256.HashData(Encoding.UTF8.GetBytes(given))
        );

    private static ClickHouseException Failed(string name) =>
        new ClickHouseException(
            ClickHouseError.AuthenticationFailed,
            $"{name}: Authentication failed: password is incorrect, or there is no user with such name."
        );
}
