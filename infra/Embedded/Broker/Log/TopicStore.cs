using System.Collections.Concurrent;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// The topic store owns which topics exist, their configuration and their logs. A topic exists from the moment its
/// entry is in the journal; folders without an entry are what is left of deleted topics and are removed at the start.
/// </summary>
internal sealed class TopicStore : IDisposable
{
    private const int NameCharsMax = 249;
    private readonly Lock _gate = new();
    private readonly string _folder;
    private readonly LogContext _context;
    private readonly Journal _journal;
    private readonly int _partitionsMax;
    private readonly ConcurrentDictionary<string, Topic> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, Topic> _byId = new();
    private int _partitions;

    private TopicStore(string dataFolder, LogContext context, int partitionsMax)
    {
        _folder = Path.Combine(dataFolder, "log");
        _context = context;
        _partitionsMax = partitionsMax;
        Directory.CreateDirectory(_folder);
        _journal = Journal.Open(Path.Combine(dataFolder, "topics.journal"), flush: true);
    }

    public ICollection<Topic> All => _byName.Values;

    /// <summary>
    /// Opens every topic of a data folder; at most <paramref name="partitionsMax"/> partitions may exist in all.
    /// </summary>
    public static TopicStore Open(string dataFolder, LogContext context, int partitionsMax)
    {
        var store = new TopicStore(dataFolder, context, partitionsMax);
        foreach (var (name, value) in store._journal.Entries)
        {
            store.Load(name, value);
        }
        store.RemoveLeftovers();
        return store;
    }

    public Topic? Find(string name) => _byName.GetValueOrDefault(name);

    public Topic? Find(Guid id) => _byId.GetValueOrDefault(id);

    public PartitionLog? Partition(string name, int index) => Find(name)?.Partition(index);

    public static bool IsValidName(string name) =>
        name.Length is > 0 and <= NameCharsMax
        && name is not ("." or "..")
        && name.AsSpan().IndexOfAnyExcept(NameChars) < 0;

    /// <summary>Says whether a topic could be made; <see cref="Create"/> asks the same again.</summary>
    public ErrorCode CanCreate(string name, int partitions)
    {
        if (!IsValidName(name))
        {
            return ErrorCode.InvalidTopic;
        }
        if (_byName.ContainsKey(name))
        {
            return ErrorCode.TopicAlreadyExists;
        }
        return partitions > 0 && partitions <= _partitionsMax - _partitions
            ? ErrorCode.None
            : ErrorCode.InvalidPartitions;
    }

    public ErrorCode Create(string name, int partitions, IReadOnlyDictionary<string, string> config)
    {
        lock (_gate)
        {
            var error = CanCreate(name, partitions);
            if (error != ErrorCode.None)
            {
                return error;
            }
            var topic = new Topic(name, Guid.NewGuid(), new TopicConfig(config), []);
            return TryGrow(topic, partitions);
        }
    }

    public ErrorCode AddPartitions(string name, int total, bool validateOnly)
    {
        lock (_gate)
        {
            if (Find(name) is not { } topic)
            {
                return ErrorCode.UnknownTopicOrPartition;
            }
            var added = total - topic.Partitions.Length;
            if (added <= 0 || added > _partitionsMax - _partitions)
            {
                return ErrorCode.InvalidPartitions;
            }
            return validateOnly ? ErrorCode.None : TryGrow(topic, total);
        }
    }

    public ErrorCode Configure(Topic topic, IReadOnlyDictionary<string, string> config)
    {
        lock (_gate)
        {
            if (Find(topic.Name) is not { } current)
            {
                return ErrorCode.UnknownTopicOrPartition;
            }
            var next = current with { Config = new TopicConfig(config) };
            try
            {
                Replace(next);
            }
            catch (IOException e)
            {
                BrokerLog.AppendFailed(_context.Logger, e, _folder);
                return ErrorCode.KafkaStorageError;
            }
            foreach (var partition in next.Partitions)
            {
                partition.Configure(next.Config);
            }
            return ErrorCode.None;
        }
    }

    /// <exception cref="IOException">The disk refused; the topic is still there.</exception>
    public bool Delete(Topic topic)
    {
        lock (_gate)
        {
            if (!_byName.TryGetValue(topic.Name, out var removed))
            {
                return false;
            }
            _journal.Put(new JournalEntry(removed.Name, null));
            _byName.TryRemove(removed.Name, out _);
            _byId.TryRemove(removed.Id, out _);
            _partitions -= removed.Partitions.Length;
            Discard(removed, 0);
            return true;
        }
    }

    /// <summary>Closes every log; with <paramref name="clean"/> the next start need not walk them.</summary>
    public void Close(bool clean)
    {
        foreach (var topic in _byName.Values)
        {
            foreach (var partition in topic.Partitions)
            {
                if (clean)
                {
                    partition.Close();
                }
                else
                {
                    partition.Abandon();
                }
            }
        }
    }

    public void Dispose() => _journal.Dispose();

    private static readonly System.Buffers.SearchValues<char> NameChars = System.Buffers.SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    );

    private string FolderOf(Topic topic, int partition) =>
        Path.Combine(_folder, $"{topic.Name}-{partition}.{topic.Id:N}");

    private ErrorCode TryGrow(Topic topic, int total)
    {
        try
        {
            var grown = Grow(topic, total);
            try
            {
                Replace(grown);
            }
            catch (IOException)
            {
                _partitions -= total - topic.Partitions.Length;
                Discard(grown, topic.Partitions.Length);
                throw;
            }
            return ErrorCode.None;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            BrokerLog.AppendFailed(_context.Logger, e, _folder);
            return ErrorCode.KafkaStorageError;
        }
    }

    /// <summary>Removes partitions; a folder that the system does not let go is removed at the next start.</summary>
    private void Discard(Topic topic, int from)
    {
        for (var i = from; i < topic.Partitions.Length; i++)
        {
            topic.Partitions[i].Abandon();
            try
            {
                Directory.Delete(FolderOf(topic, i), recursive: true);
            }
            catch (IOException e)
            {
                BrokerLog.UpkeepFailed(_context.Logger, e, "the folder of " + topic.Name);
            }
        }
    }

    private Topic Grow(Topic topic, int total)
    {
        var partitions = new PartitionLog[total];
        topic.Partitions.CopyTo(partitions, 0);
        for (var i = topic.Partitions.Length; i < total; i++)
        {
            partitions[i] = PartitionLog.Open(FolderOf(topic, i), topic.Config, _context);
        }
        _partitions += total - topic.Partitions.Length;
        return topic with { Partitions = partitions };
    }

    private void Replace(Topic topic)
    {
        _journal.Put(new JournalEntry(topic.Name, Encode(topic)));
        _byName[topic.Name] = topic;
        _byId[topic.Id] = topic;
    }

    private void Load(string name, byte[] value)
    {
        var reader = new RequestReader();
        reader.Reset(value, 0, value.Length);
        var id = reader.ReadUuid();
        var partitions = reader.ReadInt32();
        var config = new Dictionary<string, string>();
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            config[reader.ReadString()] = reader.ReadString();
        }
        var topic = Grow(new Topic(name, id, new TopicConfig(config), []), partitions);
        _byName[name] = topic;
        _byId[id] = topic;
    }

    private static byte[] Encode(Topic topic)
    {
        using var writer = new ResponseWriter();
        writer.WriteUuid(topic.Id);
        writer.WriteInt32(topic.Partitions.Length);
        writer.WriteInt32(topic.Config.Set.Count);
        foreach (var (name, value) in topic.Config.Set)
        {
            writer.WriteString(name);
            writer.WriteString(value);
        }
        return writer.Written.ToArray();
    }

    private void RemoveLeftovers()
    {
        foreach (var folder in Directory.GetDirectories(_folder))
        {
            var name = Path.GetFileName(folder);
            var isId = Guid.TryParseExact(name[(name.LastIndexOf('.') + 1)..], "N", out var id);
            if (!isId || !_byId.ContainsKey(id))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
