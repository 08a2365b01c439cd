using EventStream.Embedded.Broker;

namespace EventStream.Tests.Kit;

/// <summary>
/// A real broker on a free port with an empty folder of its own, for one test class (as
/// <c>IClassFixture&lt;TestBroker&gt;</c>) or one test (<c>await using var broker = await
/// TestBroker.StartAsync()</c>). Topics are created on first use.
/// </summary>
public sealed class TestBroker : IAsyncLifetime, IAsyncDisposable
{
    private DevBroker? _broker;

    /// <summary>The folder of this broker, removed at the end.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("eventstream-broker-").FullName;

    /// <summary>The address for <c>bootstrap.servers</c>.</summary>
    public string Bootstrap => Running.Bootstrap;

    public int Port => Running.Port;

    public DevBroker Running => _broker ?? throw new InvalidOperationException("The test broker has not been started.");

    private BrokerOptions Options =>
        Configure(
            new BrokerOptions
            {
                DataFolder = Folder,
                AutoCreateTopics = true,
                InitialRebalanceDelay = TimeSpan.FromMilliseconds(50),
            }
        );

    /// <summary>Changes the options that the broker starts with.</summary>
    public Func<BrokerOptions, BrokerOptions> Configure { get; init; } = options => options;

    public static async Task<TestBroker> StartAsync(Func<BrokerOptions, BrokerOptions>? configure = null)
    {
        var broker = new TestBroker { Configure = configure ?? (options => options) };
        await broker.InitializeAsync();
        return broker;
    }

    public async Task InitializeAsync() => _broker = await DevBroker.StartAsync(Options, CancellationToken.None);

    /// <summary>
    /// Stops the broker, in good order or as kill -9 would, and starts it again on the same port and folder, which
    /// <paramref name="betweenTimes"/> may change before.
    /// </summary>
    public async Task RestartAsync(bool abruptly = false, Action? betweenTimes = null)
    {
        var port = Port;
        await (abruptly ? Running.AbortAsync() : Running.StopAsync());
        betweenTimes?.Invoke();
        _broker = await DevBroker.StartAsync(Options with { Port = port }, CancellationToken.None);
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
        {
            await _broker.StopAsync();
        }
        Directory.Delete(Folder, recursive: true);
    }
}
