using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace EventStream.Processes.Postgres;

/// <summary>
/// A private PostgreSQL of this platform: one cluster in a folder, on one loopback port, with one database and one
/// password that only this folder knows. <see cref="StartAsync"/> runs <c>initdb</c> once and takes over a server
/// that a killed parent left behind; disposing stops it (<c>pg_ctl stop -m fast</c>).
/// </summary>
/// <remarks>
/// PostgreSQL refuses to run as root, so a root process runs it as the user <c>postgres</c>, who is given the folder
/// and must be able to walk down to it.
/// </remarks>
public sealed class PostgresCluster : IAsyncDisposable
{
    private const string DatabaseName = "eventstream";
    private const string UserName = "eventstream";
    private readonly PostgresPrograms programs;
    private readonly string data;

    private PostgresCluster(PostgresPrograms programs, string folder, int port, string password)
    {
        this.programs = programs;
        data = DataOf(folder);
        Port = port;
        ConnectionString = ConnectTo(DatabaseName, port, password);
    }

    /// <summary>The loopback port it listens on.</summary>
    public int Port { get; }

    /// <summary>The file that names the server's process while it runs.</summary>
    public string PidFile => PidFileOf(data);

    /// <summary>The server's process, which is a daemon and no child of this process.</summary>
    public int ProcessId => int.Parse(File.ReadLines(PidFile).First(), CultureInfo.InvariantCulture);

    /// <summary>
    /// What <c>Postgres:ConnectionString</c> must be to use this cluster. It holds the password: never log it.
    /// </summary>
    public string ConnectionString { get; }

    /// <summary>
    /// Creates the cluster where there is none, starts it, and returns when it answers. Throws
    /// <see cref="MissingToolException"/> without PostgreSQL and <see cref="PostgresClusterException"/> when the port
    /// is taken, the folder cannot be used, or the server does not start.
    /// </summary>
    public static async Task<PostgresCluster> StartAsync(
        string folder,
        int port,
        CancellationToken cancellation,
        PostgresClusterOptions? options = null
    )
    {
        var found = PostgresPrograms.Find();
        folder = Path.GetFullPath(folder);
        var password = await CreateAsync(found, folder, cancellation);
        var cluster = new PostgresCluster(found, folder, port, password);
        if (await cluster.IsRunningAsync(cancellation))
            cluster.CheckAdopted();
        else
            await cluster.LaunchAsync(folder, options ?? new PostgresClusterOptions(), cancellation);
        await CreateDatabaseAsync(port, password, cancellation);
        return cluster;
    }

    /// <summary>
    /// How to connect to the cluster in a folder, where one is; whether it runs shows when one tries. It holds the
    /// password: never log it.
    /// </summary>
    public static string? FindConnection(string folder)
    {
        var secret = Path.Combine(folder, "password");
        return File.Exists(secret) && RunningPort(DataOf(folder)) is { } port
            ? ConnectTo(DatabaseName, port, File.ReadAllText(secret))
            : null;
    }

    /// <summary>Stops the server: running transactions are rolled back, what was committed is on disk.</summary>
    public async Task StopAsync(CancellationToken cancellation)
    {
        NpgsqlConnection.ClearAllPools();
        if (await IsRunningAsync(cancellation))
            await programs.RunAsync("pg_ctl", ["stop", "-D", data, "-m", "fast", "-w", "-t", "30"], cancellation);
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    /// <summary>
    /// Stops the server at once and without waiting for clients; for the exit handler of a test process.
    /// </summary>
    public void Kill() =>
        programs
            .TryAsync("pg_ctl", ["stop", "-D", data, "-m", "immediate", "-w", "-t", "10"], CancellationToken.None)
            .GetAwaiter()
            .GetResult();

    private static string DataOf(string folder) => Path.Combine(folder, "data");

    private static string PidFileOf(string data) => Path.Combine(data, "postmaster.pid");

    /// <summary>The fourth line of <c>postmaster.pid</c> is the port of the server that runs.</summary>
    private static int? RunningPort(string data) =>
        File.Exists(PidFileOf(data))
        && int.TryParse(File.ReadLines(PidFileOf(data)).ElementAtOrDefault(3), out var port)
            ? port
            : null;

    private static async Task<string> CreateAsync(PostgresPrograms found, string folder, CancellationToken cancellation)
    {
        var secret = Path.Combine(folder, "password");
        if (File.Exists(Path.Combine(DataOf(folder), "PG_VERSION")))
        {
            found.CheckVersion(await File.ReadAllTextAsync(Path.Combine(DataOf(folder), "PG_VERSION"), cancellation));
            return await File.ReadAllTextAsync(secret, cancellation);
        }

        Directory.CreateDirectory(folder);
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        await File.WriteAllTextAsync(secret, password, cancellation);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await found.GiveAsync(folder, cancellation);
        // A cluster appears under its name only when it is whole: an initdb that was killed half-way is begun again.
        var unfinished = DataOf(folder) + ".new";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        string[] access = ["-U", UserName, "--auth=scram-sha-256", $"--pwfile={secret}"];
        await found.RunAsync("initdb", ["-D", unfinished, .. access, "-E", "UTF8", "--locale=C.UTF-8"], cancellation);
        Directory.Move(unfinished, DataOf(folder));
        return password;
    }

    private async Task<bool> IsRunningAsync(CancellationToken cancellation) =>
        await programs.TryAsync("pg_ctl", ["status", "-D", data], cancellation) == 0;

    private void CheckAdopted()
    {
        var running = RunningPort(data);
        if (running != Port)
            throw new PostgresClusterException(
                $"PostgreSQL in '{data}' already runs on port {running}, not {Port}: stop it, or use that port."
            );
    }

    private async Task LaunchAsync(string folder, PostgresClusterOptions options, CancellationToken cancellation)
    {
        if (TcpPorts.Refusal(IPAddress.Loopback, Port) is not null)
            throw new PostgresClusterException(
                $"Port {Port} for PostgreSQL is in use by another program: stop that program, or choose another port."
            );
        var log = Path.Combine(folder, "postgres.log");
        var settings = string.Join(' ', options.Settings(Port).Select(pair => $"-c {pair.Key}={pair.Value}"));
        try
        {
            string[] start = ["start", "-D", data, "-l", log, "-w", "-t", "60", "-o", settings];
            await programs.RunAsync("pg_ctl", start, cancellation);
        }
        catch (PostgresClusterException e)
        {
            throw new PostgresClusterException($"{e.Message} The server's log '{log}' ends with: {Tail(log)}");
        }
    }

    private static string Tail(string log)
    {
        try
        {
            return string.Join(" | ", File.ReadLines(log, Encoding.UTF8).TakeLast(5));
        }
        catch (IOException)
        {
            return "(no log)";
        }
    }

    private static async Task CreateDatabaseAsync(int port, string password, CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(ConnectTo("postgres", port, password) + ";Pooling=false");
        await connection.OpenAsync(cancellation);
        await using var find = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection)
        {
            Parameters = { new() { Value = DatabaseName } },
        };
        if (await find.ExecuteScalarAsync(cancellation) is not null)
            return;
        await using var create = new NpgsqlCommand($"create database {DatabaseName}", connection);
        await create.ExecuteNonQueryAsync(cancellation);
    }

    private static string ConnectTo(string database, int port, string password) =>
        $"Host=127.0.0.1;Port={port};Username={UserName};Password={password};Database={database}";
}

/// <summary>
/// Settings of a private cluster: small memory for a machine that it shares with the whole platform.
/// </summary>
public sealed record PostgresClusterOptions
{
    public int ConnectionsMax { get; init; } = 100;

    /// <summary>Whether a commit waits for the disk. Only a test, whose data nobody needs, turns it off.</summary>
    public bool Durable { get; init; } = true;

    internal Dictionary<string, string> Settings(int port) =>
        new(StringComparer.Ordinal)
        {
            ["listen_addresses"] = "127.0.0.1",
            ["port"] = $"{port}",
            ["unix_socket_directories"] = "",
            ["max_connections"] = $"{ConnectionsMax}",
            ["shared_buffers"] = "32MB",
            ["work_mem"] = "4MB",
            ["maintenance_work_mem"] = "32MB",
            ["max_wal_size"] = "256MB",
            ["min_wal_size"] = "64MB",
            ["jit"] = "off",
            ["max_parallel_workers_per_gather"] = "0",
            ["fsync"] = Durable ? "on" : "off",
            ["full_page_writes"] = Durable ? "on" : "off",
            ["synchronous_commit"] = Durable ? "on" : "off",
        };
}

/// <summary>
/// A private cluster cannot be created, started or stopped; the message names the cause and the remedy.
/// </summary>
public sealed class PostgresClusterException(string message) : Exception(message);
