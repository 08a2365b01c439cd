using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeConfigs: the configuration of topics, and of the broker what of it Kafka has a name for.</summary>
internal static class DescribeConfigsApi
{
    private const byte Topic = 2;
    private const byte Broker = 4;
    private const sbyte SourceTopic = 1;
    private const sbyte SourceStatic = 4;
    private const sbyte SourceDefault = 5;
    private const sbyte TypeString = 2;

    private readonly record struct Entry(string Name, string Value, sbyte Source, sbyte Type, bool ReadOnly);

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        request.AnswerEach(() =>
        {
            var type = reader.ReadByte();
            var name = reader.ReadString();
            var keys = reader.ReadNullableStringArray();
            var entries = Find(node, type, name, out var error);
            writer.WriteError(error);
            writer.WriteSentence(error);
            writer.WriteByte(type);
            writer.WriteString(name);
            writer.WriteArray(
                entries.FindAll(entry => keys?.Contains(entry.Name) != false),
                entry => Write(writer, entry)
            );
        });
    }

    private static List<Entry> Find(BrokerNode node, byte type, string name, out ErrorCode error)
    {
        error = ErrorCode.None;
        var entries = new List<Entry>();
        if (type == Topic && node.Topics.Find(name) is { } topic)
        {
            foreach (var entry in TopicConfig.Entries)
            {
                var source = topic.Config.Set.ContainsKey(entry.Name) ? SourceTopic : SourceDefault;
                entries.Add(new Entry(entry.Name, topic.Config.Value(entry.Name), source, entry.WireType, false));
            }
        }
        else if (type == Broker && name == BrokerNode.NodeId.ToString())
        {
            AddBroker(node, entries);
        }
        else if (type != Broker || name.Length > 0)
        {
            // Without a name the brokers' common defaults are meant, of which there are none.
            error = type == Topic ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidRequest;
        }
        return entries;
    }

    private static void AddBroker(BrokerNode node, List<Entry> entries)
    {
        void Add(string name, object value) =>
            entries.Add(new Entry(name, value.ToString()!.ToLowerInvariant(), SourceStatic, TypeString, true));
        var options = node.Options;
        Add("auto.create.topics.enable", options.AutoCreateTopics);
        Add("default.replication.factor", 1);
        Add("fetch.max.bytes", options.FetchBytesMax);
        Add("group.initial.rebalance.delay.ms", (long)options.InitialRebalanceDelay.TotalMilliseconds);
        Add("max.connections", options.ConnectionsMax);
        Add("node.id", BrokerNode.NodeId);
        Add("num.partitions", options.PartitionsDefault);
        Add("offset.metadata.max.bytes", options.OffsetMetadataBytesMax);
        Add("socket.request.max.bytes", options.RequestBytesMax);
        Add("transaction.max.timeout.ms", (long)options.TransactionTimeoutMax.TotalMilliseconds);
    }

    private static void Write(ResponseWriter writer, Entry entry)
    {
        writer.WriteString(entry.Name);
        writer.WriteString(entry.Value);
        writer.WriteBoolean(entry.ReadOnly);
        writer.WriteByte((byte)entry.Source);
        writer.WriteBoolean(false);
        writer.WriteArrayLength(0);
        writer.WriteByte((byte)entry.Type, since: 3);
        writer.WriteString(null, since: 3);
    }
}
