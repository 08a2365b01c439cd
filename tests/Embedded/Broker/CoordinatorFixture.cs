using EventStream.Embedded.Broker;
using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Server;
using EventStream.Embedded.Broker.Transactions;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>The coordinators of a broker in a folder of their own, which can be opened again as after a kill.</summary>
internal sealed class CoordinatorFixture : IDisposable
{
    private readonly BrokerCounters _counters = new();
    private TopicStore? _topics;
    private GroupCoordinator? _groups;
    private TransactionCoordinator? _transactions;

    public CoordinatorFixture()
    {
        Options = new BrokerOptions
        {
            DataFolder = Folder,
            Time = Time,
            InitialRebalanceDelay = TimeSpan.Zero,
        };
        Open();
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("eventstream-coordinator-").FullName;

    public HandClock Time { get; } = new();

    /// <summary>Whether logs are flushed before anything is acknowledged, from the next opening on.</summary>
    public bool FlushAlways { get; set; }

    public BrokerOptions Options { get; }

    public TopicStore Topics => _topics!;

    public GroupCoordinator Groups => _groups!;

    public TransactionCoordinator Transactions => _transactions!;

    /// <summary>Ends without a clean stop and opens what is on disk.</summary>
    public void Reopen()
    {
        Close();
        Open();
    }

    public void Dispose()
    {
        Close();
        _counters.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    public void Close()
    {
        _transactions!.Dispose();
        _groups!.Dispose();
        _topics!.Close(clean: false);
        _topics.Dispose();
    }

    public void Open()
    {
        var context = new LogContext(Time, NullLogger.Instance, FlushAlways, _counters);
        _topics = TopicStore.Open(Folder, context, Options.PartitionsMax);
        _groups = GroupCoordinator.Open(Options, NullLogger.Instance);
        _transactions = TransactionCoordinator.Open(Options, _topics, _groups, NullLogger.Instance);
    }
}
