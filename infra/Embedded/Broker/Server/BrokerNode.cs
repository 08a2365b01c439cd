using System.Net.Security;
using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;
using EventStream.Embedded.Broker.Transactions;
using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker.Server;

/// <summary>The parts of the one broker, as the handlers of the APIs see them.</summary>
internal sealed class BrokerNode : IDisposable
{
    /// <summary>
    /// The number of the only broker; it leads every partition and coordinates every group and transaction.
    /// </summary>
    public const int NodeId = 1;

    private BrokerNode(BrokerOptions options, ILogger logger)
    {
        Options = options;
        Logger = logger;
        Tls = TlsSettings.Load(options.Security);
        Users = Users.Load(options.Security);
        Budget = new ByteBudget(options.InFlightBytesMax);
        var isSameBoot = BootRecord.IsSameBoot(options.DataFolder);
        var context = new LogContext(options.Time, logger, options.Flush == FlushMode.Always, Counters, isSameBoot);
        ClusterId = ReadClusterId(options.DataFolder);
        Topics = TopicStore.Open(options.DataFolder, context, options.PartitionsMax);
        Groups = GroupCoordinator.Open(options, logger);
        Transactions = TransactionCoordinator.Open(options, Topics, Groups, logger);
    }

    public BrokerOptions Options { get; }

    public ILogger Logger { get; }

    /// <summary>The settings of TLS, null where the listener does without.</summary>
    public SslServerAuthenticationOptions? Tls { get; }

    public Users Users { get; }

    public string ClusterId { get; }

    public TopicStore Topics { get; }

    public GroupCoordinator Groups { get; }

    public TransactionCoordinator Transactions { get; }

    public ByteBudget Budget { get; }

    public BrokerCounters Counters { get; } = new();

    /// <summary>The address that is advertised to clients.</summary>
    public string Host => Options.AdvertisedHost ?? Options.Address.ToString();

    public int Port { get; set; }

    /// <summary>Writes id, host and port, as answers name the broker.</summary>
    public void WriteAddress(ResponseWriter writer)
    {
        writer.WriteInt32(NodeId);
        writer.WriteString(Host);
        writer.WriteInt32(Port);
    }

    public static BrokerNode Open(BrokerOptions options, ILogger logger) => new(options, logger);

    /// <summary>Applies retention to every partition.</summary>
    public void ApplyRetention() => ForEachPartition(partition => partition.ApplyRetention(Options.ProducerExpiry));

    /// <summary>Removes offsets, groups and transactional ids whose time is over.</summary>
    public void Expire()
    {
        Attempt("groups", Groups.Expire);
        Attempt("transactional ids", Transactions.Expire);
    }

    /// <summary>Compacts every partition of a compacted topic where it is due.</summary>
    public void Compact(CancellationToken stopping)
    {
        var limits = CompactionLimits.Default with { KeysMax = Options.CompactionKeysMax };
        ForEachPartition(partition => partition.Compact(limits, stopping));
    }

    /// <summary>Brings to the disk what has waited for it.</summary>
    public void FlushInBackground() => ForEachPartition(partition => partition.FlushInBackground());

    /// <summary>
    /// Closes the stores; without <paramref name="clean"/> nothing more is written, as at the end of the process.
    /// </summary>
    public void Close(bool clean)
    {
        Transactions.Dispose();
        Groups.Dispose();
        Topics.Close(clean);
        Topics.Dispose();
    }

    public void Dispose() => Counters.Dispose();

    private void ForEachPartition(Action<PartitionLog> work)
    {
        foreach (var topic in Topics.All)
        {
            foreach (var partition in topic.Partitions)
            {
                Attempt(topic.Name, () => work(partition));
            }
        }
    }

    private void Attempt(string subject, Action work)
    {
        try
        {
            work();
        }
        catch (ObjectDisposedException)
        {
            // The topic was deleted meanwhile.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            BrokerLog.UpkeepFailed(Logger, e, subject);
        }
    }

    private static string ReadClusterId(string folder)
    {
        var path = Path.Combine(folder, "cluster-id");
        if (!File.Exists(path))
        {
            WholeFile.Write(path, System.Text.Encoding.ASCII.GetBytes(Guid.NewGuid().ToString("N")), flush: true);
        }
        return File.ReadAllText(path);
    }
}
