using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace EventStream.Hosting.Access;

/// <summary>
/// A key that somebody holds. The platform knows its SHA-256 only, in hex: keys are long and random, so that a plain
/// hash gives nothing away.
/// </summary>
public sealed record AccessKey
{
    /// <summary>Who holds it: a publisher's, analyst's or operator's name, or the name of an edge.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it may do.</summary>
    public AccessRole Role { get; init; }

    /// <summary>SHA-256 of the key, in hex, as <c>eventstream key new</c> prints it.</summary>
    public string Sha256 { get; init; } = "";
}

/// <summary>
/// Who may call a role, section <c>Access</c>. Every role of a platform has the same: <c>Access:Keys:0:Name</c>,
/// <c>Role</c> and <c>Sha256</c>, and the service credential in <c>Access:ServiceKey</c> or the file
/// <c>Access:ServiceKeyFile</c>.
/// </summary>
public sealed record AccessOptions
{
    private const int KeyLengthMin = 16;

    /// <summary>The keys of people, programs and edges.</summary>
    public IReadOnlyList<AccessKey> Keys { get; init; } = [];

    /// <summary>The credential with which roles of this platform call each other; null where none is set.</summary>
    public string? ServiceKey { get; init; }

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static AccessOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var section = configuration.GetSection("Access");
        var service = section["ServiceKey"] ?? ReadFile(section["ServiceKeyFile"], errors);
        if (service is { Length: < KeyLengthMin })
            errors.Add($"Access:ServiceKey needs at least {KeyLengthMin} characters; `eventstream key new` makes one.");
        return new AccessOptions
        {
            Keys =
            [
                .. section.GetSection("Keys").GetChildren().Select(entry => Read(entry, errors)).OfType<AccessKey>(),
            ],
            ServiceKey = service,
        };
    }

    /// <summary>The SHA-256 of a key, in lower-case hex.</summary>
    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static AccessKey? Read(IConfigurationSection entry, ICollection<string> errors)
    {
        var before = errors.Count;
        var (name, word, hash) = (entry["Name"], entry["Role"], entry["Sha256"]);
        if (string.IsNullOrWhiteSpace(name))
            errors.Add($"{entry.Path} has no Name.");
        // The parser also takes numbers and lists, which are no roles.
        if (
            !Enum.TryParse<AccessRole>(word, ignoreCase: true, out var role)
            || role == AccessRole.Service
            || !word.All(char.IsAsciiLetter)
        )
            errors.Add($"{entry.Path}:Role '{word}' is none of publisher, analyst, operator, edge.");
        if (hash is not { Length: 64 } || !hash.All(char.IsAsciiHexDigit))
            errors.Add($"{entry.Path}:Sha256 must be a SHA-256 in hex, as `printf %s KEY | sha256sum` prints it.");
        return errors.Count == before
            ? new AccessKey
            {
                Name = name!,
                Role = role,
                Sha256 = hash!,
            }
            : null;
    }

    private static string? ReadFile(string? file, ICollection<string> errors)
    {
        if (file is null)
            return null;
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"Access:ServiceKeyFile '{file}' cannot be read: {e.Message}");
            return null;
        }
    }
}
