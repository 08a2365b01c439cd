using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Processors.Internal;
using Streamiz.Kafka.Net.State;

namespace EventStream.Streams;

/// <summary>The library's settings, as this room needs them.</summary>
public static class StreamConfigs
{
    /// <summary>For a topology test driver, in which a record is processed when it is piped.</summary>
    public static IStreamConfig ForTests(StreamScope scope)
    {
        var config = Of(scope, new KafkaOptions());
        config.MaxTaskIdleMs = 0;
        return config;
    }

    internal static IStreamConfig Of(StreamScope scope, KafkaOptions kafka)
    {
        var options = scope.Options;
        return new StreamConfig(null, LibraryLog.Shared)
        {
            ApplicationId = options.ApplicationId,
            // The library's own name for a process holds a random number; clients, threads and metrics carry ours.
            ClientId = $"{options.ApplicationId}-{options.InstanceId}",
            BootstrapServers = kafka.Bootstrap,
            ReplicationFactor = kafka.ReplicationFactor,
            NumStreamThreads = options.Threads,
            Guarantee =
                options.ProcessingGuarantee == ProcessingGuarantee.ExactlyOnceV2
                    ? Streamiz.Kafka.Net.ProcessingGuarantee.EXACTLY_ONCE
                    : Streamiz.Kafka.Net.ProcessingGuarantee.AT_LEAST_ONCE,
            TransactionTimeout = options.TransactionTimeout,
            CommitIntervalMs = (long)options.CommitInterval.TotalMilliseconds,
            DefaultTimestampExtractor = new BatchTime(),
            // One batch a poll: then none is in hand when a poll also brings a change of partitions.
            MaxPollRecords = 1,
            PollMs = (long)options.PollWait.TotalMilliseconds,
            MaxPollRestoringRecords = options.RestoreBatchMax,
            MaxTaskIdleMs = (long)StreamsOptions.MergeWait.TotalMilliseconds,
            DefaultCacheEnabled = false,
            OffsetCheckpointManager = new NoCheckpoints(),
            InnerExceptionHandler = cause => Fail(scope, cause),
            DeserializationExceptionHandler = (_, _, cause) => Fail(scope, cause),
            ProductionExceptionHandler = report =>
            {
                scope.Fail(new StreamException($"A record for '{report.Topic}' was not taken: {report.Error.Reason}"));
                return ProductionExceptionHandlerResponse.FAIL;
            },
            MetricsReporter = LibraryMetrics.Report,
            MetricsIntervalMs = 5_000,
            LogProcessingSummary = TimeSpan.FromHours(1),
        };
    }

    private static ExceptionHandlerResponse Fail(StreamScope scope, Exception cause)
    {
        scope.Fail(cause);
        return ExceptionHandlerResponse.FAIL;
    }

    /// <summary>Stores live in memory, so that nothing is to be remembered on disk.</summary>
    private sealed class NoCheckpoints : IOffsetCheckpointManager
    {
        public IDictionary<TopicPartition, long> Read(TaskId taskId) => new Dictionary<TopicPartition, long>();

        public void Configure(IStreamConfig config, TaskId taskId) { }

        public void Write(TaskId taskId, IDictionary<TopicPartition, long> data) { }

        public void Destroy(TaskId taskId) { }
    }
}
