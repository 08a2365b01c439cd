using System.Text;
using Microsoft.Extensions.Configuration;

namespace EventStream.Tokens;

/// <summary>
/// The signing key, from which the platform derives the keys of all its tokens. Its file holds one line, readable by
/// its owner only.
/// </summary>
public static class SigningKeys
{
    /// <summary>Fewest characters of a signing key; 32 random hexadecimal digits carry 128 bits.</summary>
    public const int LengthMin = 32;

    /// <summary>Reads the key without surrounding white space. Throws <see cref="IOException"/> as files do.</summary>
    public static string Read(string path) => File.ReadAllText(path).Trim();

    /// <summary>
    /// The bytes of a key. Throws <see cref="ArgumentException"/> where it is shorter than <see cref="LengthMin"/>.
    /// </summary>
    internal static byte[] Bytes(string key) =>
        key.Length >= LengthMin
            ? Encoding.UTF8.GetBytes(key)
            : throw new ArgumentException($"A signing key has at least {LengthMin} characters.", nameof(key));

    /// <summary>
    /// The key of <c>Playback:SigningKey</c>, or of the file <c>Playback:SigningKeyFile</c>; empty, with the reason
    /// added to <paramref name="errors"/>, where there is none that can be used.
    /// </summary>
    public static string FromSettings(IConfiguration configuration, ICollection<string> errors)
    {
        var key = configuration["Playback:SigningKey"];
        if (string.IsNullOrEmpty(key) && configuration["Playback:SigningKeyFile"] is { Length: > 0 } file)
        {
            try
            {
                key = Read(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                errors.Add($"Playback:SigningKeyFile: {e.Message}");
                return "";
            }
        }

        if (string.IsNullOrEmpty(key))
            errors.Add("Set Playback:SigningKey or Playback:SigningKeyFile.");
        else if (key.Length < LengthMin)
        {
            errors.Add($"The signing key needs at least {LengthMin} characters; " + "try `openssl rand -hex 32`.");
        }

        return key ?? "";
    }
}
