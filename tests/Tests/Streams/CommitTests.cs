using Confluent.Kafka;
using EventStream.Streams.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Tests.Streams;

/// <summary>Each kind of error of a transaction has its branch.</summary>
public sealed class CommitTests
{
    private static readonly TopicPartitionOffset Next = new("in", 0, 7);

    [Fact]
    public void A_commit_sends_offsets_and_then_commits()
    {
        var producer = new FaultyProducer();
        Assert.Equal(CommitOutcome.Committed, Run(producer));
        Assert.Equal(["begin", "offsets in [[0]] @7", "commit"], producer.Calls);
    }

    [Fact]
    public void A_retriable_error_is_tried_again()
    {
        var producer = new FaultyProducer();
        producer.OnCommit.Enqueue(new KafkaRetriableException(new Error(ErrorCode.Local_TimedOut)));
        Assert.Equal(CommitOutcome.Committed, Run(producer));
        Assert.Equal(2, producer.Calls.Count(call => call == "commit"));
    }

    [Fact]
    public void An_error_that_stays_retriable_ends_in_an_abort()
    {
        var producer = new FaultyProducer();
        for (var i = 0; i < Commit.TriesMax; i++)
            producer.OnCommit.Enqueue(new KafkaRetriableException(new Error(ErrorCode.Local_TimedOut)));
        Assert.Equal(CommitOutcome.Aborted, Run(producer));
        Assert.Equal("abort", producer.Calls[^1]);
    }

    [Fact]
    public void An_abortable_error_undoes_the_transaction()
    {
        var producer = new FaultyProducer();
        producer.OnOffsets.Enqueue(new KafkaTxnRequiresAbortException(new Error(ErrorCode.IllegalGeneration)));
        Assert.Equal(CommitOutcome.Aborted, Run(producer));
        Assert.DoesNotContain("commit", producer.Calls);
        Assert.Equal("abort", producer.Calls[^1]);
    }

    [Fact]
    public void A_fatal_error_ends_the_thread_and_says_what_to_look_for()
    {
        var producer = new FaultyProducer();
        producer.OnCommit.Enqueue(new KafkaException(new Error(ErrorCode.ProducerFenced, "fenced", isFatal: true)));
        var e = Assert.Throws<StreamProducerFatalException>(() => Run(producer));
        Assert.Contains("instance id", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("abort", producer.Calls);
    }

    private static CommitOutcome Run(FaultyProducer producer) =>
        new Commit(producer, NullLogger.Instance).Run([], () => [Next]);

    private sealed class FaultyProducer : ICommitProducer
    {
        public List<string> Calls { get; } = [];

        public Queue<Exception> OnOffsets { get; } = [];

        public Queue<Exception> OnCommit { get; } = [];

        public void EnsureBegun() => Calls.Add("begin");

        public void SendOffsets(IReadOnlyList<TopicPartitionOffset> offsets)
        {
            Calls.Add($"offsets {string.Join(' ', offsets)}");
            if (OnOffsets.TryDequeue(out var fault))
                throw fault;
        }

        void ICommitProducer.Commit()
        {
            Calls.Add("commit");
            if (OnCommit.TryDequeue(out var fault))
                throw fault;
        }

        public void Abort() => Calls.Add("abort");
    }
}
