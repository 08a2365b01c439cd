using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Streams;
using Streamiz.Kafka.Net.Mock;
using Streamiz.Kafka.Net.SerDes;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Tests.Kit;

/// <summary>
/// A topology in the library's test driver. Time moves only by records and by <see cref="AdvanceStreamTime"/>, and a
/// restart reads state back from the changelogs, which the driver alone does not.
/// </summary>
internal sealed class StreamDriver : IDisposable
{
    private static readonly ByteArraySerDes Bytes = new();
    private readonly Func<StreamScope, Topology> topology;
    private readonly StreamsOptions options;
    private readonly string[] inputs;
    private readonly Idle idle = new();
    private readonly Dictionary<string, TestInputTopic<byte[], byte[]>> pipes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TestOutputTopic<byte[], byte[]>> outputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, (byte[] Key, byte[]? Value)>> state = [];
    private readonly Dictionary<string, List<Message<byte[], byte[]>>> unread = new(StringComparer.Ordinal);
    private StreamScope scope = null!;
    private TopologyTestDriver driver = null!;
    private long lateBefore;

    public StreamDriver(Func<StreamScope, Topology> topology, string application, params string[] inputs)
    {
        (this.topology, this.inputs) = (topology, inputs);
        options = new StreamsOptions { ApplicationId = application };
        Open();
    }

    /// <summary>Records that came after their window was closed.</summary>
    public long Late => lateBefore + scope.Counts.Late;

    /// <summary>Inputs that could not be read.</summary>
    public long Bad => scope.Counts.Bad;

    /// <summary>Records written to changelogs.</summary>
    public long ChangelogRecords { get; private set; }

    /// <summary>Sends one message through the whole topology.</summary>
    public void Pipe(string topic, string key, IMessage message, DateTimeOffset time) =>
        Pipe(
            topic,
            key,
            MessageTypes.Write(message),
            time,
            CloudEvents.Headers(MessageTypes.NameOf(message.GetType()), "/test", "in", time, null)
        );

    /// <summary>Sends bytes.</summary>
    public void Pipe(string topic, string key, byte[]? value, DateTimeOffset time, Headers? headers = null) =>
        pipes[topic].PipeInput(Encoding.UTF8.GetBytes(key), value!, time.UtcDateTime, headers ?? []);

    /// <summary>Moves stream time of every task forward, as idle time does on a broker.</summary>
    public void AdvanceStreamTime(DateTimeOffset time)
    {
        idle.Now = time;
        // Twice, so that what the first tasks send is seen by those that follow.
        for (var i = 0; i < 2; i++)
            driver.AdvanceWallClockTime(TimeSpan.FromMilliseconds(300));
        idle.Now = null;
    }

    /// <summary>Takes what was written to a topic since the last call.</summary>
    public IReadOnlyList<Message<byte[], byte[]>> Read(string topic)
    {
        List<Message<byte[], byte[]>> all = unread.Remove(topic, out var kept) ? kept : [];
        all.AddRange(Drain(topic));
        return all;
    }

    /// <summary>Takes the messages that were written to a topic since the last call.</summary>
    public IReadOnlyList<TMessage> Read<TMessage>(Topic topic)
        where TMessage : class, IMessage =>
        [.. Read(topic.Name).Select(record => SerDes.ReadMessage<TMessage>(record.Value, record.Headers))];

    /// <summary>Writes changed state to the changelogs, as a commit does.</summary>
    public void Commit()
    {
        driver.Commit();
        foreach (var store in scope.Stores.Select(store => store.Name).Distinct())
        {
            var log = state.TryGetValue(store, out var known) ? known : state[store] = [];
            foreach (var change in Drain($"{options.ApplicationId}-{store}-changelog"))
            {
                ChangelogRecords++;
                log[Convert.ToHexString(change.Key)] = (change.Key, change.Value);
            }
        }
    }

    /// <summary>
    /// Forgets everything since the last <see cref="Commit"/> and restores the stores from their changelogs.
    /// </summary>
    public void Restart()
    {
        foreach (var topic in Topics.All)
            unread[topic.Name] = [.. Read(topic.Name)];
        lateBefore += scope.Counts.Late;
        driver.Dispose();
        outputs.Clear();
        Open();
        foreach (var store in scope.Stores)
        {
            foreach (var (key, value) in state.GetValueOrDefault(store.Name)?.Values.ToList() ?? [])
                store.RestoreEntry(key, value);
        }
    }

    public void Dispose() => driver.Dispose();

    private void Open()
    {
        scope = new StreamScope(options, TimeProvider.System, idle);
        driver = new TopologyTestDriver(topology(scope), StreamConfigs.ForTests(scope));
        pipes.Clear();
        foreach (var input in inputs)
            pipes[input] = driver.CreateInputTopic(input, Bytes, Bytes);
    }

    private List<Message<byte[], byte[]>> Drain(string topic)
    {
        if (!outputs.TryGetValue(topic, out var output))
            output = outputs[topic] = driver.CreateOutputTopic(topic, TimeSpan.Zero, Bytes, Bytes);
        return
        [
            .. output
                .ReadKeyValueList()
                .Select(record => new Message<byte[], byte[]>
                {
                    Key = record.Message.Key,
                    Value = record.Message.Value,
                    Headers = record.Message.Headers,
                    Timestamp = record.Message.Timestamp,
                }),
        ];
    }

    private sealed class Idle : IIdleTime
    {
        public DateTimeOffset? Now { get; set; }

        public DateTimeOffset? Of(IReadOnlyList<string> topics, int partition, DateTimeOffset? lastRecord) => Now;
    }
}
