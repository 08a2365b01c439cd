using EventStream.Embedded.Broker.Server;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Embedded.Broker;

/// <summary>
/// A single-node broker for the Kafka protocol: bytes in, a durable log on disk, consumer groups and
/// transactions. Clients connect as <see cref="BrokerOptions.Security"/> says, in plain text unless it says otherwise.
/// Record batches are kept as they came (magic 2), in the layout of KIP-98.
/// </summary>
public sealed class DevBroker : IAsyncDisposable
{
    private readonly BrokerNode _node;
    private readonly FolderLock _lock;
    private readonly Listener _listener;
    private readonly Housekeeping _housekeeping;
    private int _stopped;

    private DevBroker(BrokerNode node, FolderLock folderLock, Listener listener)
    {
        _node = node;
        _lock = folderLock;
        _listener = listener;
        node.Port = listener.Port;
        BrokerGauges.Publish(node, () => listener.Connections);
        _housekeeping = new Housekeeping(node);
    }

    /// <summary>The port that the broker listens on.</summary>
    public int Port => _listener.Port;

    /// <summary>The address for <c>bootstrap.servers</c>: host and port.</summary>
    public string Bootstrap => $"{_node.Host}:{Port}";

    /// <summary>What the broker counts and publishes as the meter <c>EventStream.Broker</c>.</summary>
    internal BrokerCounters Counters => _node.Counters;

    /// <summary>How many connections were closed because they sent bytes that are no request.</summary>
    public long GarbageFrames => _node.Counters.GarbageFrames;

    /// <summary>In how many partitions the disk refused the newest batch: 0 while it takes what it is given.</summary>
    public int FailingPartitions => _node.Topics.All.Sum(topic => topic.Partitions.Count(log => log.IsFailing));

    /// <summary>How many TLS handshakes and SASL exchanges failed.</summary>
    public long FailedAuthentications => _node.Counters.AuthenticationsFailed;

    /// <summary>Opens the data folder, repairing what a crash left, and listens.</summary>
    /// <exception cref="BrokerException">
    /// An option is wrong, the port is in use, or another broker uses the folder.
    /// </exception>
    public static Task<DevBroker> StartAsync(BrokerOptions options, CancellationToken cancellation = default) =>
        StartAsync(options, NullLogger.Instance, cancellation);

    /// <summary>As the other one, with a logger.</summary>
    /// <exception cref="BrokerException">
    /// An option is wrong, the port is in use, or another broker uses the folder.
    /// </exception>
    public static Task<DevBroker> StartAsync(
        BrokerOptions options,
        ILogger logger,
        CancellationToken cancellation = default
    )
    {
        cancellation.ThrowIfCancellationRequested();
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new BrokerException(nameof(BrokerOptions), string.Join(" ", errors));
        }
        return Task.Run(() => Start(options, logger), cancellation);
    }

    /// <summary>Stops serving and closes the log in good order; whatever was acknowledged is on file already.</summary>
    public Task StopAsync() => StopAsync(clean: true);

    /// <summary>
    /// Stops without the clean-up of a clean stop, so that the folder is as after a kill of the process.
    /// </summary>
    internal Task AbortAsync() => StopAsync(clean: false);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync();

    private static DevBroker Start(BrokerOptions options, ILogger logger)
    {
        var folderLock = FolderLock.Take(options.DataFolder);
        BrokerNode? node = null;
        try
        {
            node = BrokerNode.Open(options, logger);
            var broker = new DevBroker(node, folderLock, new Listener(node));
            broker._listener.Start();
            BrokerLog.Started(
                logger,
                broker.Bootstrap,
                options.DataFolder,
                node.Topics.All.Count,
                node.Groups.All.Count
            );
            return broker;
        }
        catch
        {
            node?.Close(clean: true);
            folderLock.Dispose();
            throw;
        }
    }

    private async Task StopAsync(bool clean)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }
        await _housekeeping.DisposeAsync();
        await _listener.DisposeAsync();
        _node.Close(clean);
        _node.Dispose();
        _lock.Dispose();
        BrokerLog.Stopped(_node.Logger);
    }
}
