using System.Diagnostics;
using System.Globalization;

namespace EventStream.Processes.Postgres;

/// <summary>
/// The programs of the newest PostgreSQL on this machine, run as a user that PostgreSQL accepts: the own one, or
/// <c>postgres</c> by <c>runuser</c> where this process is root.
/// </summary>
internal sealed class PostgresPrograms
{
    private const string DebianRoot = "/usr/lib/postgresql";
    private readonly string bin;
    private readonly int major;
    private readonly bool asPostgres = Environment.IsPrivilegedProcess;

    private PostgresPrograms(string bin, int major) => (this.bin, this.major) = (bin, major);

    /// <summary>Finds Debian's newest version. Throws <see cref="MissingToolException"/>.</summary>
    public static PostgresPrograms Find()
    {
        var found = !Directory.Exists(DebianRoot)
            ? []
            : Directory
                .GetDirectories(DebianRoot)
                .Select(folder => (bin: Path.Combine(folder, "bin"), version: Path.GetFileName(folder)))
                .Where(found => File.Exists(Path.Combine(found.bin, "initdb")))
                .Select(found => (found.bin, major: int.TryParse(found.version, out var number) ? number : 0))
                .OrderByDescending(found => found.major)
                .ToArray();
        return found.Length > 0
            ? new PostgresPrograms(found[0].bin, found[0].major)
            : throw new MissingToolException("initdb", "run `make setup`, or `apt-get install postgresql`");
    }

    /// <summary>Refuses a data folder that another major version wrote.</summary>
    public void CheckVersion(string dataVersion)
    {
        if (
            int.TryParse(dataVersion, NumberStyles.Integer, CultureInfo.InvariantCulture, out var data)
            && data != major
        )
            throw new PostgresClusterException(
                $"PostgreSQL {data} wrote the data and this machine has {major}: install {data}, or move the data."
            );
    }

    /// <summary>Makes the folder the server's own and checks that the server can walk down to it.</summary>
    public async Task GiveAsync(string folder, CancellationToken cancellation)
    {
        if (!asPostgres)
            return;
        await SucceedAsync(["chown", "-R", "postgres:", folder], cancellation);
        var (code, _) = await EndAsync(["runuser", "-u", "postgres", "--", "test", "-w", folder], cancellation);
        if (code != 0)
            throw new PostgresClusterException(
                $"The user 'postgres' cannot reach '{folder}': choose a data folder whose parents others may enter."
            );
    }

    /// <summary>
    /// Runs one program. Throws <see cref="PostgresClusterException"/> with what it said when it fails.
    /// </summary>
    public Task RunAsync(string program, string[] arguments, CancellationToken cancellation) =>
        SucceedAsync(Command(program, arguments), cancellation);

    /// <summary>Runs one program and returns its exit code.</summary>
    public async Task<int> TryAsync(string program, string[] arguments, CancellationToken cancellation) =>
        (await EndAsync(Command(program, arguments), cancellation)).Code;

    private string[] Command(string program, string[] arguments) =>
        [.. asPostgres ? (string[])["runuser", "-u", "postgres", "--"] : [], Path.Combine(bin, program), .. arguments];

    private static async Task SucceedAsync(string[] words, CancellationToken cancellation)
    {
        var (code, said) = await EndAsync(words, cancellation);
        if (code != 0)
            throw new PostgresClusterException($"'{string.Join(' ', words)}' failed ({code}): {said}");
    }

    private static async Task<(int Code, string Said)> EndAsync(string[] words, CancellationToken cancellation)
    {
        // The server outlives pg_ctl, so no pipe of ours may be its standard input; it can enter its folder.
        var start = new ProcessStartInfo(words[0], words[1..])
        {
            WorkingDirectory = "/",
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new PostgresClusterException($"'{words[0]}' does not start.");
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var error = process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        var said = ((await error) + (await output)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return (process.ExitCode, string.Join(' ', said));
    }
}
