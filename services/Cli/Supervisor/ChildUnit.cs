using System.Diagnostics;
using EventStream.Processes;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// A process of our own: <c>eventstream run ROLE...</c> with its environment. Ready when all its roles say so.
/// </summary>
internal sealed class ChildUnit(
    string name,
    IReadOnlyList<string> roles,
    IReadOnlyList<string> readyUrls,
    Func<Dictionary<string, string>> environment,
    IConfiguration configuration,
    string logFolder
) : IUnit
{
    /// <summary>Time that a child has until it is ready, on a machine that starts everything else at once.</summary>
    public static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);

    /// <summary>Time from SIGTERM to SIGKILL. A child bounds its own stop, so the latter means that it hangs.</summary>
    public static readonly TimeSpan StopTimeout = RoleProcess.StopTimeout + TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(150);

    public string Name => name;

    public IReadOnlyList<string> Roles => roles;

    public async Task<IRunningUnit> StartAsync(CancellationToken cancellation)
    {
        var (program, first) = Self();
        // setsid keeps Ctrl-C in the terminal from the child, which is stopped in order instead, and makes its process
        // id that of its session and group. SIGTERM lets it take its own children along when the supervisor is gone.
        var setsid = Tools.Program(configuration, "setsid", "util-linux");
        var process = await ProcessSpawner.StartAsync(
            [setsid, .. ProcessSpawner.EndedBy("TERM"), program, .. first, "run", .. roles],
            environment()
        );
        var child = new RunningChild(process, new BoundedLog(Path.Combine(logFolder, $"{name}.log")));
        try
        {
            await WaitUntilReadyAsync(child, cancellation);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    /// <summary>One answer for each role, in their order.</summary>
    public async Task<IReadOnlyList<RoleHealth>> HealthAsync(CancellationToken cancellation) =>
        await Task.WhenAll(roles.Zip(readyUrls, (role, url) => RoleHealth.AskAsync(role, url, cancellation)));

    /// <summary>This program, however it was started.</summary>
    internal static (string Program, string[] First) Self()
    {
        var program = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? (program, [typeof(ChildUnit).Assembly.Location])
            : (program, []);
    }

    private async Task WaitUntilReadyAsync(RunningChild child, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(StartTimeout);
        var health = new RoleHealth(name, RoleHealth.NotReady, ["It does not answer."]);
        try
        {
            foreach (var (role, url) in roles.Zip(readyUrls))
            {
                while ((health = await RoleHealth.AskAsync(role, url, timeout.Token)).State == RoleHealth.NotReady)
                {
                    if (child.HasExited)
                        throw new CommandException($"{name} {await child.WaitForExitAsync(timeout.Token)}");
                    await Task.Delay(ProbeInterval, timeout.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException(
                $"{name} was not ready within {StartTimeout.TotalSeconds:0} s. {health.Role}: "
                    + string.Join(' ', health.Why)
            );
        }
    }

    private sealed class RunningChild : IRunningUnit
    {
        private readonly Process process;
        private readonly BoundedLog log;
        private readonly Task copying;

        public RunningChild(Process process, BoundedLog log)
        {
            (this.process, this.log) = (process, log);
            ProcessId = process.Id;
            copying = Task.WhenAll(log.CopyAsync(process.StandardOutput), log.CopyAsync(process.StandardError));
        }

        public int ProcessId { get; }

        public bool HasExited => process.HasExited;

        public async Task<string> WaitForExitAsync(CancellationToken cancellation)
        {
            await process.WaitForExitAsync(cancellation);
            var said = string.Join(Environment.NewLine, log.Tail.Select(line => $"  | {line}"));
            return $"ended with code {process.ExitCode}; its log ends:{Environment.NewLine}{said}";
        }

        public async ValueTask DisposeAsync()
        {
            Posix.Signal(ProcessId, Posix.SigTerm);
            using var timeout = new CancellationTokenSource(StopTimeout);
            try
            {
                await process.WaitForExitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                log.Write("supervisor: did not stop in time and is killed");
            }

            // What the child started is in its group: nothing of it is left behind, however the child ended.
            Posix.Signal(-ProcessId, Posix.SigKill);
            await process.WaitForExitAsync(CancellationToken.None);
            await copying.WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            log.Dispose();
            process.Dispose();
        }
    }
}
