using System.Collections.Concurrent;
using EventStream.Streams.Clients;
using EventStream.Streams.State;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Streams;

/// <summary>Stream time of a task to which no records come.</summary>
public interface IIdleTime
{
    /// <summary>
    /// The stream time of the task that reads one partition of these topics; null while records may be on their way.
    /// <paramref name="lastRecord"/> is its stream time after the last record since the start, if there was one.
    /// </summary>
    DateTimeOffset? Of(IReadOnlyList<string> topics, int partition, DateTimeOffset? lastRecord);
}

/// <summary>
/// What the processors, stores and clients of one running stream share. A stream that is rebuilt after an error gets a
/// new one.
/// </summary>
public sealed class StreamScope
{
    private readonly ConcurrentDictionary<WriteBehindStore, byte> stores = new();
    private readonly ConcurrentDictionary<string, byte> tasks = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource<Exception> failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// A scope without a broker, for a topology test driver: idle time is what <paramref name="idle"/> says.
    /// </summary>
    public StreamScope(StreamsOptions options, TimeProvider clock, IIdleTime idle)
        : this(options, clock, new StreamCounts(), NullLogger.Instance) => Idle = idle;

    internal StreamScope(StreamsOptions options, TimeProvider clock, StreamCounts counts, ILogger logger)
    {
        (Options, Clock, Counts, Logger) = (options, clock, counts, logger);
        Restore = new RestoreProgress(clock);
        Inputs = new InputEnds(this);
        Idle = Inputs;
    }

    /// <summary>How the stream runs.</summary>
    public StreamsOptions Options { get; }

    /// <summary>Records processed, late and unreadable so far.</summary>
    public StreamCounts Counts { get; }

    internal TimeProvider Clock { get; }

    internal ILogger Logger { get; }

    internal IIdleTime Idle { get; }

    internal InputEnds Inputs { get; }

    internal RestoreProgress Restore { get; }

    /// <summary>Partitions of the topics that the stream reads; 1 where that is not known.</summary>
    internal IReadOnlyDictionary<string, int> Partitions { get; set; } = new Dictionary<string, int>();

    /// <summary>The topics between two steps, and their partitions; null: as many as the inputs have.</summary>
    internal Dictionary<string, int?> Repartitions { get; } = new(StringComparer.Ordinal);

    /// <summary>The tasks that this instance has now, by sub-topology and partition.</summary>
    internal IReadOnlyList<string> Tasks => [.. tasks.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Stores of the tasks that this instance has now.</summary>
    internal IEnumerable<WriteBehindStore> Stores => stores.Keys;

    /// <summary>
    /// Why the stream cannot go on, once it cannot. From then on nothing of it is committed; it is built again.
    /// </summary>
    internal Exception? Failure => failed.Task.IsCompleted ? failed.Task.Result : null;

    /// <summary>Ends with the failure.</summary>
    internal Task<Exception> Failed => failed.Task;

    internal void Fail(Exception cause) => failed.TrySetResult(cause);

    /// <summary>The name in Kafka of a topic between two steps of the topology.</summary>
    public string RepartitionTopic(string name) => $"{Options.ApplicationId}-{name}-repartition";

    internal void Opened(string task) => tasks[task] = 0;

    internal void Closed(string task) => tasks.TryRemove(task, out _);

    internal void Opened(WriteBehindStore store) => stores[store] = 0;

    internal void Closed(WriteBehindStore store) => stores.TryRemove(store, out _);
}
