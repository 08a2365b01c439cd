using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams.Clients;

/// <summary>
/// Hands the library up to <see cref="StreamsOptions.BatchMax"/> records of one partition as one, whose offset is that
/// of the last. A batch ends where the partition changes, at a gap of event time, and where nothing more has arrived.
/// </summary>
internal sealed partial class BatchingConsumer : ForwardingConsumer
{
    /// <summary>Two inputs are merged by the first records of their batches: a batch covers little time.</summary>
    private static readonly TimeSpan SpanMax = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan LagInterval = TimeSpan.FromSeconds(1);
    private readonly StreamScope scope;
    private readonly Action<BatchingConsumer> ended;
    private ConsumeResult<byte[], byte[]>? next;
    private int generation;
    private long lagAt;
    private long lag;

    public BatchingConsumer(
        StreamScope scope,
        Func<BatchingConsumer, IConsumer<byte[], byte[]>> build,
        Action<BatchingConsumer> ended
    )
    {
        (this.scope, this.ended) = (scope, ended);
        Inner = build(this);
    }

    /// <summary>Records that are written and not read yet, as of a moment ago.</summary>
    public long Lag => Interlocked.Read(ref lag);

    /// <summary>The client behind it.</summary>
    public IConsumer<byte[], byte[]> Client => Inner;

    /// <summary>The partitions that it has.</summary>
    public IReadOnlyCollection<TopicPartition> Partitions { get; private set; } = [];

    /// <summary>After a rebalance, what was taken and not handed on is read again from the commit.</summary>
    public void Rebalanced(IReadOnlyCollection<TopicPartition> assigned)
    {
        generation++;
        next = null;
        scope.Inputs.Revoked(Partitions);
        Partitions = assigned;
        scope.Inputs.Assigned(Inner, assigned);
    }

    public override ConsumeResult<byte[], byte[]> Consume(TimeSpan timeout)
    {
        MeasureLag();
        var first = next ?? Take(timeout);
        next = null;
        if (first is null)
            return null!;
        var began = generation;
        var records = new List<ConsumeResult<byte[], byte[]>> { first };
        while (records.Count < scope.Options.BatchMax)
        {
            var more = Take(TimeSpan.Zero);
            if (generation != began)
            {
                // It came with the new assignment; what was taken under the old one comes again.
                next = more;
                return null!;
            }

            if (more is null)
                break;
            if (!Continues(first, more))
            {
                next = more;
                break;
            }

            records.Add(more);
        }

        return AsOne(records);
    }

    public override void Commit(IEnumerable<TopicPartitionOffset> offsets)
    {
        // The library also commits while it shuts a failed thread down, in the middle of a record.
        if (scope.Failure is not null)
            return;
        base.Commit(offsets);
        StreamsMetrics.Commits.Add(1, new KeyValuePair<string, object?>("outcome", "committed"));
    }

    public override void Dispose()
    {
        scope.Inputs.Revoked(Partitions);
        base.Dispose();
        ended(this);
    }

    private static bool Continues(ConsumeResult<byte[], byte[]> first, ConsumeResult<byte[], byte[]> more) =>
        more.Partition == first.Partition
        && more.Topic == first.Topic
        && Math.Abs(more.Message.Timestamp.UnixTimestampMs - first.Message.Timestamp.UnixTimestampMs)
            < SpanMax.TotalMilliseconds;

    private static ConsumeResult<byte[], byte[]> AsOne(List<ConsumeResult<byte[], byte[]>> records)
    {
        var (first, last) = (records[0], records[^1]);
        return new ConsumeResult<byte[], byte[]>
        {
            TopicPartitionOffset = last.TopicPartitionOffset,
            Message = new Message<byte[], byte[]>
            {
                Key = [],
                Value = HeldRecords.Attach(records),
                Timestamp = first.Message.Timestamp,
                Headers = first.Message.Headers,
            },
        };
    }

    /// <summary>The next record, if there is one. Ends of partitions are noted and not handed on.</summary>
    private ConsumeResult<byte[], byte[]>? Take(TimeSpan timeout)
    {
        while (TryConsume(timeout) is { } result)
        {
            if (!result.IsPartitionEOF)
            {
                scope.Inputs.Read(result.TopicPartition);
                return result;
            }

            scope.Inputs.Reached(result.TopicPartitionOffset);
            timeout = TimeSpan.Zero;
        }

        return null;
    }

    private ConsumeResult<byte[], byte[]>? TryConsume(TimeSpan timeout)
    {
        try
        {
            return Inner.Consume(timeout);
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            scope.Inputs.Unknown(Inner);
            ReadFailed(scope.Logger, e.Error.Reason);
            return null;
        }
    }

    private void MeasureLag()
    {
        if (scope.Clock.GetElapsedTime(lagAt) < LagInterval)
            return;
        lagAt = scope.Clock.GetTimestamp();
        Interlocked.Exchange(ref lag, Partitions.Sum(LagOf));
    }

    private long LagOf(TopicPartition partition)
    {
        if (scope.Inputs.IsAtEnd(partition))
            return 0;
        var high = Inner.GetWatermarkOffsets(partition).High;
        var position = Inner.Position(partition);
        return high.Value < 0 || position.Value < 0 ? 0 : Math.Max(0, high.Value - position.Value);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Reading failed and is tried again: {Reason}")]
    private static partial void ReadFailed(ILogger logger, string reason);
}
