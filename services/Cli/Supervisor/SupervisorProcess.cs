using System.Runtime.InteropServices;
using EventStream.Hosting;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// The process behind <c>eventstream up</c>: platform, its HTTP interface, its run file, and the end of all three.
/// </summary>
internal sealed class SupervisorProcess(PlatformOptions options)
{
    /// <summary>
    /// Runs until <paramref name="cancellation"/>, or until its terminal is closed. Throws
    /// <see cref="CommandException"/> when a part does not start; everything that had started is stopped then too.
    /// </summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var hangUp = PosixSignalRegistration.Create(
            PosixSignal.SIGHUP,
            signal =>
            {
                signal.Cancel = true;
                stop.Cancel();
            }
        );
        new DataFolder(options.DataFolder).Create();
        var configuration = RoleHost.ReadConfiguration();
        var platform = new Platform(options, configuration, TimeProvider.System, Say);
        WebApplication? app = null;
        try
        {
            WriteRunFile(platform, ready: false);
            Say($"data in {platform.Data.Root}");
            await platform.StartAsync(
                () =>
                {
                    var settings = RoleHost.ReadConfiguration(overrides: platform.Settings);
                    app = RoleHost.Build(new SupervisorRole(platform), settings);
                    return app.StartAsync(stop.Token);
                },
                stop.Token
            );
            ClientEnv.Write(platform.Data, platform.Ports);
            WriteRunFile(platform, ready: true);
            PrintAddresses(platform);
            await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Say("stopping");
        }
        finally
        {
            if (app is not null)
                await app.DisposeAsync();
            await platform.DisposeAsync();
            File.Delete(platform.Data.RunFile);
        }

        Say("stopped");
        return 0;
    }

    private static void Say(string text) => System.Console.WriteLine($"  {text}");

    private void WriteRunFile(Platform platform, bool ready) =>
        new RunFile(
            Environment.ProcessId,
            options.BasePort,
            ready,
            platform.Kafka,
            platform.Data.ApiKeyFile,
            Urls(platform)
        ).Write(platform.Data);

    private static Dictionary<string, string> Urls(Platform platform)
    {
        var urls = PortPlan.Roles.ToDictionary(role => role, platform.Ports.Url, StringComparer.Ordinal);
        foreach (var edge in EdgePlace.All(platform.Ports))
            urls[edge.Name] = edge.Url;
        return urls;
    }

    private static void PrintAddresses(Platform platform)
    {
        var ports = platform.Ports;
        System.Console.WriteLine(
            $"""

              The platform is up.
                console      {ports.Url("console")}   (operator's key in {platform.Data.OperatorKeyFile})
                upload API   {ports.Url("upload")}/v1/uploads   (key in {platform.Data.ApiKeyFile})
                playback     {ports.Url("playback")}/v1/videos
                edges        {string.Join("  ", EdgePlace.All(ports).Select(edge => $"{edge.Name} {edge.Url}"))}
                ClickHouse   {ports.Url("clickhouse")}
                Kafka        {platform.Kafka}
                supervisor   {ports.Url("supervisor")}/v1/processes
                all of these with their credentials: {platform.Data.ClientEnv}
              Ctrl-C stops it.

            """
        );
    }
}
