using System.Security.Cryptography;
using EventStream.Tokens;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// The folder that holds everything one platform keeps: data of each part, logs, secrets and what is running. Other
/// users of the machine can neither list nor read it. They may pass through its root and the edges' folders, as
/// PostgreSQL and nginx run under users of their own where root starts the platform.
/// </summary>
public sealed class DataFolder
{
    private const UnixFileMode OwnerFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Others may pass through and not list.</summary>
    private const UnixFileMode Passage = OwnerFolder | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const UnixFileMode OthersSee = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
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

    /// <summary>The password of the one user of the platform's own broker.</summary>
    public const string KafkaPassword = "kafka-password";

    /// <summary>The users of the platform's own broker, as that reads them.</summary>
    public const string KafkaUsers = "kafka-users";

    /// <summary>The secret with which an edge delivers its access log.</summary>
    public static string EdgeLogKey(string edge) => $"edge-log-key-{edge}";

    /// <summary>Throws <see cref="CommandException"/> for a text that is no path.</summary>
    public DataFolder(string root)
    {
        try
        {
            Root = Path.GetFullPath(root);
        }
        catch (ArgumentException e)
        {
            throw new CommandException($"The data folder '{root}' is no path. Name another with --data.", e);
        }

        // nginx's configuration names files below it, and has no way to write these.
        if (Root.IndexOfAny(['\'', '"', '\\', '$', '\n', '\r']) >= 0)
            throw new CommandException(
                $"The data folder '{Root.ReplaceLineEndings(" ")}' has a quote, backslash, dollar sign or line break. "
                    + "Name another with --data."
            );
    }

    public string Root { get; }

    public string Media => Path.Combine(Root, "media");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>Folder of a part, such as <c>broker</c>.</summary>
    public string Of(string part) => Path.Combine(Root, part);

    /// <summary>The file that holds the publisher's API key, for people and scripts on this machine.</summary>
    public string ApiKeyFile => SecretFile(ApiKey);

    /// <summary>The file that holds the first operator's key, for people and scripts on this machine.</summary>
    public string OperatorKeyFile => SecretFile(OperatorKey);

    /// <summary>Addresses and credentials for scripts and people.</summary>
    public string ClientEnv => Path.Combine(Root, "client.env");

    /// <summary>
    /// The settings of a Kafka client of this platform, for Kafka's own tools (<c>--command-config</c>) and for kcat
    /// (<c>-F</c>). It holds the password.
    /// </summary>
    public string KafkaClientFile => Path.Combine(Root, "kafka-client.properties");

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
                string.IsNullOrEmpty(named) ? Path.Combine(home, ".local", "share") : named,
                "eventstream"
            );
        }
    }

    /// <summary>
    /// Creates what is missing and closes to others what was open to them. Throws <see cref="CommandException"/> when
    /// the folder cannot be used.
    /// </summary>
    public void Create() =>
        Guarded(() =>
        {
            var ours =
                !Directory.Exists(Root)
                || Directory.Exists(Of("secrets"))
                || !Directory.EnumerateFileSystemEntries(Root).Any();
            Directory.CreateDirectory(Root);
            // A folder with other things in it, as /tmp, keeps its mode, and the platform does not move in.
            if (ours)
                File.SetUnixFileMode(Root, Passage);
            else if ((File.GetUnixFileMode(Root) & OthersSee) != UnixFileMode.None)
            {
                throw new CommandException(
                    $"The data folder '{Root}' holds other things and every user of this machine may look into it. "
                        + "Name an empty one with --data, or take the others' rights away (chmod o-rw)."
                );
            }

            foreach (
                var part in (string[])
                    ["media", "logs", "run", "secrets", "broker", "clickhouse", "collect", "encode", "console"]
            )
            {
                Close(Of(part), OwnerFolder);
            }

            // PostgreSQL's folder is its user's: the cluster creates it, and an older one is closed here.
            if (Directory.Exists(Of("postgres")))
                Close(Of("postgres"), OwnerFolder);
            Close(Of("edges"), Passage);
        });

    /// <summary>
    /// The folder of an edge, which nginx's workers can pass through: they run under a user of their own where root
    /// starts the platform.
    /// </summary>
    public string CreateEdge(string name)
    {
        var folder = Path.Combine(Of("edges"), name);
        Guarded(() =>
        {
            Close(folder, Passage);
            Close(Path.Combine(folder, "tmp"), Passage);
        });
        return folder;
    }

    /// <summary>The file of a secret, which exists once <see cref="Secret"/> was asked for it.</summary>
    public string SecretFile(string name) => Path.Combine(Of("secrets"), name);

    /// <summary>
    /// A secret by its name: made at the first call and kept. Only the owner may read its file. Throws
    /// <see cref="CommandException"/> when it can be neither read nor written.
    /// </summary>
    public string Secret(string name) =>
        Guarded(() =>
        {
            var path = SecretFile(name);
            if (File.Exists(path))
                return File.ReadAllText(path).Trim();
            var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
            WriteForOwner(path, secret + "\n");
            return secret;
        });

    /// <summary>The file of a secret, made where it is missing. Throws <see cref="CommandException"/>.</summary>
    public string MadeSecretFile(string name)
    {
        _ = Secret(name);
        return SecretFile(name);
    }

    /// <summary>
    /// Writes a file that only its owner may read. It appears under its name when it is whole, whenever the process
    /// ends. Throws <see cref="CommandException"/>.
    /// </summary>
    public void WriteFile(string path, string text) => Guarded(() => WriteForOwner(path, text));

    private static void WriteForOwner(string path, string text)
    {
        var unfinished = path + ".new";
        File.Delete(unfinished);
        PrivateFile.Create(unfinished, text);
        File.Move(unfinished, path, overwrite: true);
    }

    private static void Close(string folder, UnixFileMode mode)
    {
        Directory.CreateDirectory(folder, OwnerFolder);
        if (File.GetUnixFileMode(folder) != mode)
            File.SetUnixFileMode(folder, mode);
    }

    private void Guarded(Action work) =>
        Guarded(() =>
        {
            work();
            return true;
        });

    private T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(Root, e);
        }
    }

    /// <summary>The sentence for a folder that the system refuses.</summary>
    internal static CommandException Unusable(string root, Exception e) =>
        new($"The data folder '{root}' cannot be used: {e.Message} Name another with --data.", e);
}
