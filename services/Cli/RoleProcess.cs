using System.Net.Sockets;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Cli;

/// <summary>
/// The roles of one process: builds them all, starts them together, stops them together. One role that stops by itself
/// stops the process with a failure, so that its supervisor can start it again.
/// </summary>
public sealed class RoleProcess(IReadOnlyList<IRole> roles, IConfiguration configuration) : IAsyncDisposable
{
    /// <summary>
    /// Time from the signal to stop until the process ends itself, whatever still holds it. Longer than
    /// <see cref="RoleHost.ShutdownTimeout"/>, so that roles end by their own bound first.
    /// </summary>
    public static readonly TimeSpan StopTimeout = RoleHost.ShutdownTimeout + TimeSpan.FromSeconds(3);

    private static readonly TimeSpan TopicRetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>Roles that are, or need not have, Kafka: they start whether a broker answers or not.</summary>
    private static readonly HashSet<string> WithoutTopics = new(StringComparer.Ordinal)
    {
        "broker",
        "clickhouse",
        "console",
        "edge",
    };

    private readonly List<(IRole Role, WebApplication App)> running = [];

    /// <summary>
    /// Runs until <paramref name="stop"/>, then returns 0; returns 1 when a role stopped by itself. Throws
    /// <see cref="CommandException"/> when a role cannot start.
    /// </summary>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        using var telemetry = TelemetryExport.Start(
            configuration,
            string.Join('+', roles.Select(role => role.Name)),
            StoreTelemetry.Instrumentation
        );
        try
        {
            if (roles.Any(role => !WithoutTopics.Contains(role.Name)))
                await EnsureTopicsAsync(stop);
            foreach (var role in roles)
                running.Add((role, RoleHost.Build(role, OwnCopy())));
            await Task.WhenAll(running.Select(entry => StartAsync(entry.Role, entry.App, stop)));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }

        await UntilStoppedAsync(stop);
        await StopAllAsync();
        return stop.IsCancellationRequested ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, app) in running)
            await app.DisposeAsync();
    }

    /// <summary>
    /// A host writes its listening address into the settings that it is given, so hosts of one process cannot share
    /// them.
    /// </summary>
    private IConfiguration OwnCopy() =>
        new ConfigurationBuilder().AddInMemoryCollection(configuration.AsEnumerable()).Build();

    private static async Task StartAsync(IRole role, WebApplication app, CancellationToken cancellation)
    {
        await ListenAsync(role, app, cancellation);
        System.Console.WriteLine($"{role.Name}: {role.Summary}, at {string.Join(", ", app.Urls)}");
    }

    /// <summary>Starts an application at the address of a role. Throws <see cref="CommandException"/>.</summary>
    internal static async Task ListenAsync(IRole role, WebApplication app, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            var address = RoleAddresses.Listen(app.Configuration, role.Name);
            throw new CommandException(
                $"{role.Name}: {address} is in use. Stop what listens there, or set EVENTSTREAM__LISTEN__"
                    + $"{role.Name.ToUpperInvariant()} to another address.",
                e
            );
        }
        catch (SocketException e)
        {
            throw new CommandException($"{role.Name}: cannot listen: {e.Message}.", e);
        }
    }

    private async Task UntilStoppedAsync(CancellationToken stop)
    {
        var ended = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var (role, app) in running)
            app.Lifetime.ApplicationStopping.Register(() => ended.TrySetResult(role.Name));
        await using var byRequest = stop.Register(() => ended.TrySetResult(null));
        if (await ended.Task is { } name)
            await System.Console.Error.WriteLineAsync($"{name}: stopped by itself; its log says why");
    }

    private async Task StopAllAsync()
    {
        using var deadline = new Timer(_ => Environment.Exit(1), null, StopTimeout, Timeout.InfiniteTimeSpan);
        await Task.WhenAll(running.Select(entry => entry.App.StopAsync(CancellationToken.None)));
    }

    private async Task EnsureTopicsAsync(CancellationToken cancellation)
    {
        var options = RoleOptions.Read("topics", configuration, KafkaOptions.Read);
        var admin = new TopicAdmin(options, NullLogger<TopicAdmin>.Instance);
        await using var waiting = new WaitingRoles(roles, configuration);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                foreach (var difference in await admin.EnsureAsync(Topics.All, cancellation))
                    await System.Console.Error.WriteLineAsync(difference.ToString());
                return;
            }
            catch (KafkaException e)
            {
                if (attempt == 0)
                {
                    await System.Console.Error.WriteLineAsync(
                        $"waiting for Kafka at {options.Bootstrap} ({e.Error.Reason}); "
                            + "`eventstream run broker` starts one, EVENTSTREAM__KAFKA__BOOTSTRAP names another"
                    );
                }

                await waiting.SayAsync(
                    $"Kafka at {options.Bootstrap} does not answer: {e.Error.Reason.TrimEnd('.')}.",
                    cancellation
                );
                await Task.Delay(TopicRetryDelay, cancellation);
            }
        }
    }
}
