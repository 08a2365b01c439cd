using System.Runtime.InteropServices;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// The engine of this process. There is at most one, on one folder; it connects before anything else runs (see
/// <see cref="SignalGuard"/>) and keeps one connection open until the process ends, because closing the last one
/// would stop it.
/// </summary>
public sealed partial class EmbeddedEngine
{
    private static readonly Lock Gate = new();
    private static EmbeddedEngine? started;

    private readonly Lock controlGate = new();
    private readonly ChdbConnection control;
    private readonly string[] arguments;

    private EmbeddedEngine(EmbeddedOptions options)
    {
        Options = options;
        var folder = Path.GetFullPath(options.DataFolder);
        Directory.CreateDirectory(folder);
        arguments = ["clickhouse", $"--path={folder}", $"--config-file={WriteConfiguration(options, folder)}"];
        Libchdb.Load(options.Library);
        control =
            SignalGuard.Run(() => ChdbConnection.Open(arguments))
            ?? throw new EngineStartException(
                $"The engine cannot open '{folder}'; another process holds it, or it is not writable. "
                    + "Stop that process or set ClickHouse:DataFolder."
            );
        Begin();
        // The library's destructors fault while its own threads still run. What was acknowledged survives even a
        // kill -9, so the process leaves without them.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => ExitNow(Environment.ExitCode);
    }

    /// <summary>The settings it was started with.</summary>
    public EmbeddedOptions Options { get; }

    /// <summary>Every table function that this engine has, allowed or not.</summary>
    internal IReadOnlySet<string> TableFunctions { get; private set; } = new HashSet<string>();

    /// <summary>The media type of each format.</summary>
    internal IReadOnlyDictionary<string, string> ContentTypes { get; private set; } = new Dictionary<string, string>();

    /// <summary>The engine's version, such as 26.5.1.1.</summary>
    internal string Version { get; private set; } = "";

    /// <summary>
    /// Starts the engine, or returns the one that runs. Call it first in <c>Main</c>, with checked options: a fault in
    /// managed code during the connect would be fatal. Throws <see cref="EngineStartException"/> when there is no
    /// library or the folder is taken.
    /// </summary>
    public static EmbeddedEngine Start(EmbeddedOptions options)
    {
        lock (Gate)
        {
            if (started is not null)
                return started;
            if (!File.Exists(options.Library))
            {
                throw new EngineStartException(
                    $"The engine's library '{options.Library}' does not exist; correct ClickHouse:Library or leave it "
                        + "out."
                );
            }

            return started = new EmbeddedEngine(options);
        }
    }

    /// <summary>Returns when the engine answers a statement, and throws when it does not.</summary>
    public void Probe() => Control("SELECT 1");

    /// <summary>Names what the engine has, and makes the tables that a server has and the library lacks.</summary>
    private void Begin()
    {
        control.Run($"SET ROLE {EngineUsers.Inside}");
        Version = Rows("SELECT version()").Single()[0];
        foreach (var statement in SystemTables.Definitions)
            control.Run(statement);
        TableFunctions = Rows("SELECT name FROM system.table_functions")
            .Select(row => row[0])
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        ContentTypes = Rows("SELECT name, content_type FROM system.formats WHERE content_type != ''")
            .ToDictionary(row => row[0], row => row[1], StringComparer.OrdinalIgnoreCase);
    }

    private IEnumerable<string[]> Rows(string sql) =>
        control
            .Run(sql, "TSVRaw")
            .Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('\t'));

    /// <summary>
    /// A connection of its own for one request, with the engine's limits set. Throws when the engine is stopping.
    /// </summary>
    internal ChdbConnection Connect()
    {
        var connection =
            SignalGuard.Run(() => ChdbConnection.Open(arguments))
            ?? throw new ClickHouseException(ClickHouseError.NetworkError, "The engine takes no further connection.");
        connection.Run(
            $"""
            SET max_threads={Options.ThreadsPerQueryMax}, max_memory_usage={Options.QueryBytesMax},
            max_execution_time={Options.QuerySecondsMax}, output_format_json_quote_64bit_integers=0, async_insert=0,
            input_format_skip_unknown_fields=1, session_timezone='UTC', date_time_input_format='best_effort',
            implicit_select=0, max_query_size={2 * ClickHouseRequest.SqlBytesMax}
            """
        );
        return connection;
    }

    /// <summary>
    /// Runs a short statement on the connection that stays open: the probe of health, the killing of queries.
    /// </summary>
    internal void Control(string sql)
    {
        lock (controlGate)
            control.Run(sql);
    }

    /// <summary>
    /// The engine's own limits. Its defaults are a server's: caches of 5 GiB each and most of the machine's memory.
    /// </summary>
    private static string WriteConfiguration(EmbeddedOptions options, string folder)
    {
        var path = Path.Combine(folder, "eventstream.xml");
        var users = Path.Combine(folder, "eventstream-users.xml");
        File.WriteAllText(users, EngineUsers.Xml(options));
        File.WriteAllText(
            path,
            $"""
            <clickhouse>
              <users_config>{System.Security.SecurityElement.Escape(users)}</users_config>
              <access_control_improvements>
                <table_engines_require_grant>true</table_engines_require_grant>
              </access_control_improvements>
              <max_server_memory_usage>{options.EngineBytesMax}</max_server_memory_usage>
              <mark_cache_size>33554432</mark_cache_size>
              <index_mark_cache_size>4194304</index_mark_cache_size>
              <primary_index_cache_size>33554432</primary_index_cache_size>
              <compiled_expression_cache_size>8388608</compiled_expression_cache_size>
              <max_thread_pool_size>200</max_thread_pool_size>
              <max_thread_pool_free_size>8</max_thread_pool_free_size>
            </clickhouse>
            """
        );
        return path;
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
