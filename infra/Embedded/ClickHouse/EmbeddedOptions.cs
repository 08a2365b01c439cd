namespace EventStream.Embedded.ClickHouse;

/// <summary>The embedded engine's settings, section <c>ClickHouse</c>. Sizes in bytes.</summary>
public sealed record EmbeddedOptions
{
    /// <summary>Folder of the databases; one process at a time may hold it.</summary>
    public string DataFolder { get; init; } = "artifacts/data/clickhouse";

    /// <summary>Path of libchdb.so.</summary>
    public string Library { get; init; } = "";

    /// <summary>
    /// The user that may write, and its password (<c>ClickHouse:Password</c>, or <c>ClickHouse:PasswordFile</c>).
    /// </summary>
    public string User { get; init; } = "default";

    public string? Password { get; init; }

    /// <summary>
    /// The user that may only read, and its password (<c>ClickHouse:ReaderPassword</c>, or
    /// <c>ClickHouse:ReaderPasswordFile</c>).
    /// </summary>
    public string ReaderUser { get; init; } = "reader";

    public string? ReaderPassword { get; init; }

    /// <summary>Names besides loopback and its own addresses by which clients may call this server.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Statements that read at once; each may hold <see cref="QueryBytesMax"/> of memory.</summary>
    public int ConcurrentReadsMax { get; init; } = 4;

    /// <summary>
    /// Requests that wait for a turn; the next one gets code 202 at once instead of a place in an endless queue.
    /// </summary>
    public int WaitingMax { get; init; } = 64;

    /// <summary>Threads of one statement; two leave the cores to the rest of the platform.</summary>
    public int ThreadsPerQueryMax { get; init; } = 2;

    /// <summary>Memory of one statement.</summary>
    public long QueryBytesMax { get; init; } = 400L << 20;

    /// <summary>Memory of the engine as a whole.</summary>
    public long EngineBytesMax { get; init; } = 900L << 20;

    /// <summary>Body of a request after decompression; it is held in memory.</summary>
    public long BodyBytesMax { get; init; } = 256L << 20;

    /// <summary>A result that cannot be streamed is held in memory and may be this long.</summary>
    public long BufferedResultBytesMax { get; init; } = 128L << 20;

    /// <summary>Time a statement may run.</summary>
    public int QuerySecondsMax { get; init; } = 120;

    /// <summary>Sessions kept for clients that name one; each holds a connection.</summary>
    public int SessionsMax { get; init; } = 16;

    /// <summary>Every fault of the options, each a sentence with its remedy; none when they are usable.</summary>
    public IEnumerable<string> Validate()
    {
        if (DataFolder.Length == 0)
            yield return "ClickHouse:DataFolder is empty; name a folder.";
        if (User.Length == 0 || ReaderUser.Length == 0 || User == ReaderUser)
            yield return "ClickHouse:User and ClickHouse:ReaderUser must be two different names.";
        if (!ReaderUser.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') || ReaderUser is [>= '0' and <= '9', ..])
            yield return "ClickHouse:ReaderUser must be letters, digits and underscores, and not begin with a digit.";
        if (ConcurrentReadsMax is < 1 or > 64)
            yield return "ClickHouse:ConcurrentReadsMax must be 1 to 64.";
        if (ThreadsPerQueryMax is < 1 or > 64)
            yield return "ClickHouse:ThreadsPerQueryMax must be 1 to 64.";
        if (QueryBytesMax < 64 << 20)
            yield return "ClickHouse:QueryBytesMax must be at least 64 MiB.";
        if (EngineBytesMax < QueryBytesMax)
            yield return "ClickHouse:EngineBytesMax must not be below QueryBytesMax.";
        if (BodyBytesMax is < 1 or > int.MaxValue)
            yield return "ClickHouse:BodyBytesMax must be 1 byte to 2 GiB.";
        if (QuerySecondsMax < 1)
            yield return "ClickHouse:QuerySecondsMax must be at least 1.";
        if (Password is not null && Password == ReaderPassword)
            yield return "ClickHouse:Password and ClickHouse:ReaderPassword must differ.";
    }
}
