using Confluent.Kafka;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// Writes a series of records so that at any moment many wait to be processed: a fault then always finds input left.
/// It looks at what the stream's group has committed, and stays so many records ahead of it.
/// </summary>
internal sealed class StreamFeed : IAsyncDisposable
{
    private const int Chunk = 2_000;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private readonly Func<int, IEnumerable<InputRecord>> take;
    private readonly string topic;
    private readonly int partitions;
    private readonly int lead;
    private readonly IProducer<byte[], byte[]> producer;
    private readonly IConsumer<byte[], byte[]> group;
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private long written;
    private long committed;

    public StreamFeed(
        string bootstrap,
        string group,
        string topic,
        int partitions,
        Func<int, IEnumerable<InputRecord>> take,
        int lead
    )
    {
        (this.topic, this.partitions, this.take, this.lead) = (topic, partitions, take, lead);
        // A reader of committed records gets no offsets while a transaction with some is open.
        this.group = CommittedRecords.Reader(bootstrap, group, IsolationLevel.ReadUncommitted);
        producer = new ProducerBuilder<byte[], byte[]>(
            new ProducerConfig
            {
                BootstrapServers = bootstrap,
                EnableIdempotence = true,
                LingerMs = 5,
                CompressionType = CompressionType.Lz4,
                ReconnectBackoffMaxMs = 200,
            }
        ).SetLogHandler((_, _) => { }).Build();
        Write(take(lead));
        running = Task.Run(RunAsync);
    }

    /// <summary>Records that the group has committed, over all partitions.</summary>
    public long Committed => Interlocked.Read(ref committed);

    /// <summary>Records that were written and are not committed.</summary>
    public long Left => Interlocked.Read(ref written) - Committed;

    /// <summary>The fewest records that were left when a fault happened.</summary>
    public long LeftMin { get; private set; } = long.MaxValue;

    /// <summary>Notes how much input is left at a fault.</summary>
    public void NoteFault() => LeftMin = Math.Min(LeftMin, Left);

    /// <summary>Writes no more of the series, then these last records.</summary>
    public async Task EndAsync(IEnumerable<InputRecord> last)
    {
        await stop.CancelAsync();
        await running;
        Write(last);
        LookAtGroup();
    }

    /// <summary>Asks the group again how far it is, once the series has ended.</summary>
    public long LookAtGroup()
    {
        Interlocked.Exchange(ref committed, CommittedRecords.Offsets(group, topic, partitions));
        return Committed;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        producer.Dispose();
        group.Dispose();
        stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            LookAtGroup();
            while (Left < lead && !stop.IsCancellationRequested)
                Write(take(Chunk));
            await Task.Delay(Look, CancellationToken.None);
        }
    }

    private void Write(IEnumerable<InputRecord> records)
    {
        foreach (var part in records.Chunk(Chunk))
        {
            foreach (var record in part)
                producer.Produce(new TopicPartition(topic, record.Partition), record.Message);
            producer.Flush(TimeSpan.FromSeconds(60));
            Interlocked.Add(ref written, part.Length);
        }
    }
}
