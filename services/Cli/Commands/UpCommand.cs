using System.CommandLine;
using System.Diagnostics;
using EventStream.Cli.Supervisor;
using EventStream.Processes;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream up</c>: the whole platform on this machine until it is asked to stop.</summary>
internal static class UpCommand
{
    internal static readonly Option<string> Data = new("--data")
    {
        Description = "Folder of everything the platform keeps.",
        DefaultValueFactory = _ => DataFolder.Default,
        HelpName = "DIR",
    };

    private static readonly Option<int> BasePort = new("--base-port")
    {
        Description = "Port of the console; every other port keeps its distance to it.",
        DefaultValueFactory = _ => PortPlan.DefaultBase,
        HelpName = "PORT",
    };

    private static readonly Option<string?> Kafka = new("--kafka")
    {
        Description = "Use the Apache Kafka at these addresses instead of the platform's own broker.",
        HelpName = "HOST:PORT,...",
    };

    private static readonly Option<int> Workers = new("--encode-workers")
    {
        Description = "Encode workers at the start.",
        DefaultValueFactory = _ => 1,
        HelpName = "N",
    };

    private static readonly Option<int> WorkersMax = new("--max-encode-workers")
    {
        Description = "Most encode workers that the autoscaler may start.",
        DefaultValueFactory = _ => Math.Clamp(Environment.ProcessorCount, 2, PortPlan.WorkersMax),
        HelpName = "N",
    };

    private static readonly Option<bool> Background = new("--background")
    {
        Description = "Return once the platform is ready and leave it running; `eventstream down` stops it.",
    };

    /// <summary>Longest start of the whole platform in the background, each part having a bound of its own.</summary>
    private static readonly TimeSpan BackgroundTimeout = TimeSpan.FromMinutes(6);

    public static Command Build()
    {
        var command = new Command("up", "Start the whole platform on this machine.")
        {
            Data,
            BasePort,
            Kafka,
            Workers,
            WorkersMax,
            Background,
        };
        command.SetAction(RunAsync);
        return command;
    }

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
        var info = new ProcessStartInfo("setsid") { UseShellExecute = false };
        // A shell puts the output where it outlives this process.
        string[] command =
        [
            program,
            .. first,
            "up",
            "--data",
            data.Root,
            "--base-port",
            $"{options.BasePort}",
            "--encode-workers",
            $"{options.EncodeWorkers}",
            "--max-encode-workers",
            $"{options.EncodeWorkersMax}",
            .. options.Kafka is null ? Array.Empty<string>() : ["--kafka", options.Kafka],
        ];
        const string script = "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null";
        foreach (var part in (string[])["sh", "-c", script, "up", log, .. command])
            info.ArgumentList.Add(part);
        using var process = Process.Start(info)!;
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
