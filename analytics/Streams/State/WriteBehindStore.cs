using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Crosscutting;
using Streamiz.Kafka.Net.Processors;
using Streamiz.Kafka.Net.SerDes;
using Streamiz.Kafka.Net.State;
using Streamiz.Kafka.Net.State.Enumerator;
using Streamiz.Kafka.Net.State.Supplier;

namespace EventStream.Streams.State;

/// <summary>
/// State of a task. It lives in memory as objects. What changed since the last commit goes to a compacted changelog
/// topic when the library flushes its stores, which it does within the commit's transaction, and is read back when the
/// task is assigned to an instance.
/// </summary>
public abstract class WriteBehindStore : IStateStore
{
    private readonly StreamScope scope;
    private readonly IKeyValueStore<byte[], byte[]> log;
    private int partition;

    private protected WriteBehindStore(StreamScope scope, string name, IStreamConfig config)
    {
        (this.scope, Name) = (scope, name);
        // The library's own logging store is the public way to its changelog.
        log = new KeyValueStoreBuilder<byte[], byte[]>(
            new ChangelogOnly(this),
            new ByteArraySerDes(),
            new ByteArraySerDes()
        )
            .WithCachingDisabled()
            .Build(config);
    }

    /// <summary>The name within the topology; the changelog is called <c>application-name-changelog</c>.</summary>
    public string Name { get; }

    /// <summary>False: nothing is kept on disk.</summary>
    public bool Persistent => false;

    /// <summary>True: each task has its own.</summary>
    public bool IsLocally => true;

    /// <summary>Whether the task runs here.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Called by the library when the task is created, before the state is read back.</summary>
    public void Init(ProcessorContext context, IStateStore root)
    {
        partition = context.Id.Partition;
        log.Init(context, root);
        IsOpen = true;
        scope.Restore.Add(Name, partition);
        scope.Opened(this);
    }

    /// <summary>Called by the library at each commit.</summary>
    public void Flush() => WriteChanges((key, value) => log.Put(key, value!));

    /// <summary>Called by the library when the task leaves this instance.</summary>
    public void Close()
    {
        scope.Closed(this);
        scope.Restore.Remove(Name, partition);
        IsOpen = false;
        Clear();
    }

    internal void RestoreEntry(byte[] key, byte[]? value) => Restore(key, value);

    /// <summary>Hands out each entry that changed since the last call; a null value is a deletion.</summary>
    protected abstract void WriteChanges(Action<byte[], byte[]?> write);

    /// <summary>Takes back one entry of the changelog.</summary>
    protected abstract void Restore(byte[] key, byte[]? value);

    /// <summary>Drops all entries from memory.</summary>
    protected abstract void Clear();

    /// <summary>The innermost store of the library's chain: keeps nothing, passes on what is restored.</summary>
    private sealed class ChangelogOnly(WriteBehindStore owner)
        : IKeyValueBytesStoreSupplier,
            IKeyValueStore<Bytes, byte[]>
    {
        public string Name
        {
            get => owner.Name;
            set { }
        }

        public string MetricsScope => "write-behind";

        public bool Persistent => false;

        public bool IsLocally => true;

        public bool IsOpen => true;

        public IKeyValueStore<Bytes, byte[]> Get() => this;

        public void Init(ProcessorContext context, IStateStore root) =>
            context.Register(root, (key, value, _) => owner.RestoreEntry(key.Get, value));

        public void Put(Bytes key, byte[] value) { }

        public void Flush() { }

        public void Close() { }

        public byte[] Get(Bytes key) => null!;

        public long ApproximateNumEntries() => 0;

        public byte[] Delete(Bytes key) => throw new NotSupportedException();

        public byte[] PutIfAbsent(Bytes key, byte[] value) => throw new NotSupportedException();

        public void PutAll(IEnumerable<KeyValuePair<Bytes, byte[]>> entries) => throw new NotSupportedException();

        public IKeyValueEnumerator<Bytes, byte[]> Range(Bytes from, Bytes to) => throw new NotSupportedException();

        public IKeyValueEnumerator<Bytes, byte[]> ReverseRange(Bytes from, Bytes to) =>
            throw new NotSupportedException();

        public IEnumerable<KeyValuePair<Bytes, byte[]>> All() => [];

        public IEnumerable<KeyValuePair<Bytes, byte[]>> ReverseAll() => [];
    }
}

/// <summary>How a store is made: once for each task.</summary>
internal sealed class StoreBuilder<TStore>(string name, Func<IStreamConfig, TStore> make)
    : AbstractStoreBuilder<byte[], byte[], TStore>(name, new ByteArraySerDes(), new ByteArraySerDes())
    where TStore : IStateStore
{
    public override bool IsWindowStore => false;

    public override long RetentionMs => -1;

    public override TStore Build(IStreamConfig config) => make(config);
}
