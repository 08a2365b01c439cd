using EventStream.Contracts;
using Streamiz.Kafka.Net.Processors;

namespace EventStream.Streams;

/// <summary>What a processor may use of the task that it runs in.</summary>
public interface ITaskContext
{
    /// <summary>The partition of its inputs that the task reads.</summary>
    int Partition { get; }

    /// <summary>How many partitions the task's inputs have, each of which has a task.</summary>
    int Partitions { get; }

    /// <summary>The greatest event time that the task has seen; it never goes back.</summary>
    DateTimeOffset StreamTime { get; }

    /// <summary>
    /// A store that the step was connected to. Throws <see cref="StreamException"/> for another name or type.
    /// </summary>
    TStore Store<TStore>(string name)
        where TStore : class, IStateStore;

    /// <summary>
    /// Calls <paramref name="action"/> with stream time each time that it passes a multiple of <paramref
    /// name="interval"/> since the epoch; once, where it passes several at a time.
    /// </summary>
    void SchedulePunctuation(TimeSpan interval, Action<DateTimeOffset> action);

    /// <summary>Counts a record that came after its window was closed.</summary>
    void CountLate(string what);

    /// <summary>
    /// Sends a value on. A message of the platform (<see cref="IMessage"/>) gets headers and an id that is made of the
    /// input's place, so that it is the same when the input is processed again.
    /// </summary>
    void Forward(string key, object value, DateTimeOffset time);
}

/// <summary>
/// One step of a topology: receives records, keeps state in stores of its task, sends values on. It runs on one
/// thread, and must not keep state outside of stores, because a task may be moved or rolled back at any commit.
/// </summary>
public abstract class Processor<TIn>
{
    private ITaskContext? context;

    /// <summary>The task. Usable from <see cref="Init"/> on.</summary>
    protected ITaskContext Context => context ?? throw new InvalidOperationException("The processor is not started.");

    internal void Start(ITaskContext task)
    {
        context = task;
        Init();
    }

    internal void Receive(StreamRecord<TIn> record) => Process(record);

    /// <summary>
    /// Called once for each task, after its state is restored: look up stores and schedule punctuations here.
    /// </summary>
    protected virtual void Init() { }

    /// <summary>Takes one record. Stream time is at least that of the record.</summary>
    protected abstract void Process(StreamRecord<TIn> record);

    /// <summary>See <see cref="ITaskContext.Forward"/>.</summary>
    protected void Forward(string key, object value, DateTimeOffset time) => Context.Forward(key, value, time);
}

/// <summary>A topology or its state is wrong; the message names the part.</summary>
public sealed class StreamException(string message, Exception? cause = null) : Exception(message, cause);
