namespace EventStream.Streams;

/// <summary>What can receive records of a stream inside a task.</summary>
internal interface IReceiver<TKey, TValue>
{
    void Receive(in Record<TKey, TValue> record);
}

/// <summary>A node of a running task, whatever its types.</summary>
internal interface IProcessorNode
{
    void Start(TaskContext context);

    void AddChild(IProcessorNode child);
}

/// <summary>
/// One step of a topology: receives records, keeps state in stores of its task, forwards records to its children. It
/// runs on one thread, and must not keep state outside of stores, because a task may be moved or rolled back at any
/// commit.
/// </summary>
public abstract class Processor<TKeyIn, TValueIn, TKeyOut, TValueOut> : IProcessorNode, IReceiver<TKeyIn, TValueIn>
{
    private readonly List<IReceiver<TKeyOut, TValueOut>> children = [];
    private TaskContext? context;

    /// <summary>Stores, stream time and punctuations of the task. Usable from <see cref="Init"/> on.</summary>
    protected ITaskContext Context => context ?? throw new InvalidOperationException("The processor is not started.");

    private protected TaskContext Task => context!;

    void IProcessorNode.Start(TaskContext taskContext)
    {
        context = taskContext;
        Init();
    }

    void IProcessorNode.AddChild(IProcessorNode child) => children.Add((IReceiver<TKeyOut, TValueOut>)child);

    void IReceiver<TKeyIn, TValueIn>.Receive(in Record<TKeyIn, TValueIn> record) => Process(record);

    /// <summary>
    /// Called once per task, after state is restored: look up stores and schedule punctuations here.
    /// </summary>
    protected virtual void Init() { }

    protected abstract void Process(Record<TKeyIn, TValueIn> record);

    /// <summary>Hands a record to every child.</summary>
    protected void Forward(in Record<TKeyOut, TValueOut> record)
    {
        foreach (var child in children)
            child.Receive(record);
    }

    /// <summary>Hands a record to every child.</summary>
    protected void Forward(TKeyOut key, TValueOut value, DateTimeOffset time) =>
        Forward(new Record<TKeyOut, TValueOut>(key, value, time));
}

/// <summary>What a processor may use of the task that it runs in.</summary>
public interface ITaskContext
{
    /// <summary>Which task this is, such as <c>0_3</c>: sub-topology and partition.</summary>
    string TaskId { get; }

    /// <summary>The partition of its inputs that the task reads.</summary>
    int Partition { get; }

    /// <summary>How many partitions the task's inputs have, each of which has a task.</summary>
    int Partitions { get; }

    /// <summary>The greatest event time that the task has seen; it never goes back.</summary>
    DateTimeOffset StreamTime { get; }

    /// <summary>
    /// A store that the processor was connected to. Throws <see cref="TopologyException"/> for another name.
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
}
