using System.CommandLine;
using System.Diagnostics;
using EventStream.Cli.Supervisor;
using EventStream.Processes;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream up</c>: the whole platform on this machine until it is asked to stop.</summary>
internal static class UpCommand
{
    internal static readonly Option<string> Data = CommandLine.Defaulted(
        "--data",
        "Folder of everything the platform keeps.",
        DataFolder.Default,
        "DIR"
    );

    private static readonly Option<int> BasePort = CommandLine.Defaulted(
        "--base-port",
        "Port of the console; every other port keeps its distance to it.",
        PortPlan.DefaultBase,
        "PORT"
    );

    private static readonly Option<string?> Kafka = CommandLine.Optional<string?>(
        "--kafka",
        "Use the Apache Kafka at these addresses instead of the platform's own broker.",
        "HOST:PORT,..."
    );

    private static readonly Option<int> Workers = CommandLine.Defaulted(
        "--encode-workers",
        "Encode workers at the start.",
        1,
        "N"
    );

    private static readonly Option<int> WorkersMax = CommandLine.Defaulted(
        "--max-encode-workers",
        "Most encode workers that the autoscaler may start.",
        Math.Clamp(Environment.ProcessorCount, 2, PortPlan.WorkersMax),
        "N"
    );

    private static readonly Option<bool> Background = CommandLine.Optional<bool>(
        "--background",
        "Return once the platform is ready and leave it running; `eventstream down` stops it."
    );

    /// <summary>Longest start of the whole platform in the background, each part having a bound of its own.</summary>
    private static readonly TimeSpan BackgroundTimeout = TimeSpan.FromMinutes(6);

    public static Command Build() =>
        CommandLine.Verb(
            "up",
            "Start the whole platform on this machine.",
            [Data, BasePort, Kafka, Workers, WorkersMax, Background],
            RunAsync
        );

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var options = new PlatformOptions
        {
            DataFolder = parsed.GetValue(Data)!,
            BasePort = parsed.GetValue(BasePort),
            Kafka = parsed.GetValue(Kafka),
            EncodeWorkers = parsed.GetValue(Workers),
            EncodeWorkersMax = parsed.GetValue(WorkersMax),
        };
        options.Validate();
        Posix.CreateForOwnerOnly();
        var data = new DataFolder(options.DataFolder);
        if (RunFile.Read(data) is { } other)
            throw new CommandException(
                $"A platform already runs in '{data.Root}' (process {other.Pid}); `eventstream down` stops it."
            );
        try
        {
            if (parsed.GetValue(Background))
                return await InBackgroundAsync(options, data, cancellation);
            return await new SupervisorProcess(options).RunAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataFolder.Unusable(data.Root, e);
        }
    }

    private static async Task<int> InBackgroundAsync(
        PlatformOptions options,
        DataFolder data,
        CancellationToken cancellation
    )
    {
        data.Create();
        var log = Path.Combine(data.Logs, "supervisor.log");
        var (program, first) = ChildUnit.Self();
        string[] command =
        [
            program,
            .. first,
            "up",
            $"--data={data.Root}",
            $"--base-port={options.BasePort}",
            $"--encode-workers={options.EncodeWorkers}",
            $"--max-encode-workers={options.EncodeWorkersMax}",
            .. options.Kafka is { } kafka ? (string[])[$"--kafka={kafka}"] : [],
        ];
        // A shell puts the output where it outlives this process.
        const string script = "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null";
        using var process = Process.Start("setsid", ["sh", "-c", script, "up", log, .. command]);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(BackgroundTimeout);
        while (RunFile.Read(data) is not { Ready: true })
        {
            if (process.HasExited)
                throw new CommandException(
                    $"The platform did not start. {string.Join(" ", File.ReadLines(log).TakeLast(3))}"
                );
            await Task.Delay(200, timeout.Token);
        }

        System.Console.WriteLine(await File.ReadAllTextAsync(log, cancellation));
        return 0;
    }
}
