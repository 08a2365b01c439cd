using System.Security.Cryptography;

namespace EventStream.Console.Supervisor;

/// <summary>
/// The folder that holds everything one platform keeps: data of each part, logs, secrets and what is running. Other
/// users of the machine may pass through it, as PostgreSQL and nginx run under users of their own, but not list it.
/// </summary>
public sealed class DataFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int SecretBytes = 32;

    /// <summary>The secret with which Playback signs and the edges check.</summary>
    public const string SigningKey = "signing-key";

    /// <summary>The secret with which a publisher uploads.</summary>
    public const string ApiKey = "publisher-api-key";

    /// <summary>The secret over the keys of personal data in the event store.</summary>
    public const string StoreMasterKey = "store-master-key";

    /// <summary>The key of an operator: everything that can be done by hand.</summary>
    public const string OperatorKey = "operator-api-key";

    /// <summary>The credential with which the roles call each other.</summary>
    public const string ServiceKey = "service-key";

    /// <summary>Passwords of the two users of ClickHouse.</summary>
    public const string ClickHouseWriter = "clickhouse-writer-password",
        ClickHouseReader = "clickhouse-reader-password";

    /// <summary>The secret with which an edge delivers its access log.</summary>
    public static string EdgeLogKey(string edge) => $"edge-log-key-{edge}";

    public DataFolder(string root) => Root = Path.GetFullPath(root);

    public string Root { get; }

    public string Media => Path.Combine(Root, "media");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>Folder of a part, such as <c>broker</c>.</summary>
    public string Of(string part) => Path.Combine(Root, part);

    /// <summary>The file that holds the publisher's API key, for people and scripts on this machine.</summary>
    public string ApiKeyFile => SecretFile(ApiKey);

    /// <summary>Process id of the supervisor that runs this folder, and where it is reached.</summary>
    public string RunFile => Path.Combine(Root, "run", "supervisor.json");

    /// <summary>
    /// The folder where none is named: <c>$XDG_DATA_HOME/eventstream</c>, or <c>~/.local/share/eventstream</c>.
    /// </summary>
    public static string Default
    {
        get
        {
            var named = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return Path.Combine(
                string.IsNullOrEmpty(named) ? Path.Combine(home, ".local", "share") : named, "eventstream");
        }
    }

    /// <summary>
    /// Creates what is missing. Throws <see cref="CommandException"/> when the folder cannot be written.
    /// </summary>
    public void Create()
    {
        try
        {
            foreach (var folder in (string[])[Root, Media, Logs, Of("run"), Of("edges")])
                Directory.CreateDirectory(folder);
            Directory.CreateDirectory(Of("secrets"), OwnerOnly | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The data folder '{Root}' cannot be used: {e.Message} Name another with --data.", e);
        }
    }

    /// <summary>The file of a secret, which exists once <see cref="Secret"/> was asked for it.</summary>
    public string SecretFile(string name) => Path.Combine(Of("secrets"), name);

    /// <summary>
    /// A secret by its name: made at the first call, the same ever after. Only the owner may read its file.
    /// </summary>
    public string Secret(string name)
    {
        var path = SecretFile(name);
        if (File.Exists(path)) return File.ReadAllText(path).Trim();
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
        // Written under another name first: a secret is whole or absent, whenever the process ends.
        var unfinished = path + ".new";
        File.Delete(unfinished);
        using (var stream = new FileStream(unfinished, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        }))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(secret);
        }

        File.Move(unfinished, path);
        return secret;
    }
}
