using System.Security.Cryptography;
using System.Text;

namespace EventStream.Embedded.Broker.Security;

/// <summary>
/// Knows the users of the broker by their credentials. Someone who guesses names learns nothing: an unknown user is
/// answered with a made-up salt that stays the same, and fails as late as a wrong password does.
/// </summary>
internal sealed class Users
{
    private readonly Dictionary<string, ScramCredential[]> _byName = new(StringComparer.Ordinal);
    private readonly byte[] _decoyKey = RandomNumberGenerator.GetBytes(32);

    private Users() { }

    /// <exception cref="BrokerException">
    /// The file cannot be read, or an entry is neither password nor verifier.
    /// </exception>
    public static Users Load(SecurityOptions options)
    {
        var users = new Users();
        if (!options.UsesSasl)
        {
            return users;
        }
        foreach (var (name, secret) in options.Users)
        {
            users.Add(name, secret, nameof(SecurityOptions.Users));
        }
        if (options.UsersFile is { Length: > 0 } file)
        {
            users.AddFile(file);
        }
        return users;
    }

    private ScramCredential[] Find(string name) => _byName.GetValueOrDefault(name) ?? [];

    /// <summary>
    /// The credential to run SCRAM with; for a user without one a made-up one, which no password fits.
    /// </summary>
    public ScramCredential FindOrDecoy(string name, ScramMechanism mechanism, out bool exists)
    {
        var known = Array.Find(Find(name), c => c.Mechanism == mechanism);
        exists = known is not null;
        return known ?? Decoy(name, mechanism);
    }

    public bool Verifies(string name, string password) =>
        FindOrDecoy(name, Find(name).FirstOrDefault()?.Mechanism ?? default, out var exists).Verifies(password)
        && exists;

    private ScramCredential Decoy(string name, ScramMechanism mechanism)
    {
        var salt = HMACSHA256.HashData(_decoyKey, Encoding.UTF8.GetBytes(name))[..24];
        var key = new byte[ScramCredential.HashBytes(mechanism)];
        return new ScramCredential(mechanism, salt, ScramCredential.IterationsDefault, key, key);
    }

    private void AddFile(string file)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BrokerException(file, $"The users of the broker cannot be read from {file}: {e.Message}", e);
        }
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (line.Length > 0 && line[0] != '#')
            {
                // Neither the line nor a part of it is repeated: it may be a password.
                var colon = line.IndexOf(':', StringComparison.Ordinal);
                Add(line[..Math.Max(colon, 0)], line[(colon + 1)..], $"line {i + 1} of {file}");
            }
        }
    }

    private void Add(string name, string secret, string place)
    {
        if (name.Length == 0 || secret.Length == 0)
        {
            throw new BrokerException(
                place,
                $"A user needs a name and a password or verifier, name:password ({place})."
            );
        }
        if (!secret.StartsWith("SCRAM-SHA-", StringComparison.Ordinal))
        {
            _byName[name] =
            [
                ScramCredential.Create(ScramMechanism.ScramSha256, secret),
                ScramCredential.Create(ScramMechanism.ScramSha512, secret),
            ];
            return;
        }
        if (!ScramCredential.TryParse(secret, out var credential))
        {
            throw new BrokerException(
                place,
                $"A verifier has the form SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, with at least "
                    + $"{ScramCredential.IterationsDefault} iterations and the rest in base64 ({place})."
            );
        }
        _byName[name] = [.. Find(name).Where(c => c.Mechanism != credential.Mechanism), credential];
    }
}
