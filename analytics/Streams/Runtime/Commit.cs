using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams.Runtime;

internal enum CommitOutcome
{
    /// <summary>Outputs, state and offsets are in, together.</summary>
    Committed,

    /// <summary>Nothing of the transaction is visible; the tasks must go back to the last commit.</summary>
    Aborted,
}

/// <summary>The producer's side of a commit, as far as it needs to be faulted in tests.</summary>
internal interface ICommitProducer
{
    /// <summary>Opens a transaction unless one is open.</summary>
    void EnsureBegun();

    void SendOffsets(IReadOnlyList<TopicPartitionOffset> offsets);

    void Commit();

    void Abort();
}

/// <summary>The producer cannot go on, for example because another instance took its transactional id.</summary>
public sealed class StreamProducerFatalException(string reason, Exception inner) : Exception(reason, inner);

/// <summary>
/// Exactly-once in one place: state, offsets and outputs go into one transaction. An abortable error undoes it, a
/// retriable one is tried again a bounded number of times, a fatal one ends the thread, whose successor fences this
/// producer.
/// </summary>
internal sealed partial class Commit(ICommitProducer producer, ILogger logger)
{
    /// <summary>Tries of a retriable step; librdkafka waits for the broker inside each.</summary>
    public const int TriesMax = 5;

    public CommitOutcome Run(IReadOnlyCollection<StreamTask> tasks, Func<IReadOnlyList<TopicPartitionOffset>> offsets)
    {
        try
        {
            producer.EnsureBegun();
            foreach (var task in tasks)
                task.FlushState();
            var next = offsets();
            if (next.Count > 0)
                Retried(() => producer.SendOffsets(next));
            Retried(producer.Commit);
            foreach (var task in tasks)
                task.Committed();
            StreamsMetrics.Commits.Add(1, new KeyValuePair<string, object?>("outcome", "committed"));
            return CommitOutcome.Committed;
        }
        catch (KafkaTxnRequiresAbortException e)
        {
            return Undo(e);
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            return Undo(e);
        }
        catch (KafkaException e)
        {
            throw Fatal(e);
        }
    }

    private CommitOutcome Undo(KafkaException cause)
    {
        Aborting(logger, cause.Error.Reason);
        try
        {
            Retried(producer.Abort);
        }
        catch (KafkaException e)
        {
            throw Fatal(e);
        }

        StreamsMetrics.Commits.Add(1, new KeyValuePair<string, object?>("outcome", "aborted"));
        return CommitOutcome.Aborted;
    }

    private static StreamProducerFatalException Fatal(KafkaException e) =>
        new(
            $"The transactional producer cannot go on: {e.Error.Reason}. "
                + "If another instance runs under the same instance id, "
                + "give each its own.",
            e
        );

    private static void Retried(Action step)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                step();
                return;
            }
            catch (KafkaRetriableException) when (attempt < TriesMax)
            {
                // The step is asked again; it takes up where it was.
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A transaction is aborted and its records are processed again: {Reason}"
    )]
    private static partial void Aborting(ILogger logger, string reason);
}
