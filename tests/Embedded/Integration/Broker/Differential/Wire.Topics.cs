using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

internal sealed partial class Wire
{
    /// <summary>Creates a topic and returns the name of the error, or its partitions and replicas.</summary>
    public async Task<string> CreateTopicAsync(
        string topic,
        int partitions = 1,
        short replicas = 1,
        bool validateOnly = false,
        int[]? assignedTo = null,
        params (string Name, string? Value)[] configs
    )
    {
        var answer = await AskAsync(
            ApiKey.CreateTopics,
            7,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                WriteNewTopic(w, topic, partitions, replicas, assignedTo, configs);
                w.WriteInt32(10_000);
                w.WriteBoolean(validateOnly);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        var hasId = answer.ReadUuid() != Guid.Empty;
        var code = answer.ReadInt16();
        answer.ReadNullableString();
        return code == 0
            ? $"NoError, {answer.ReadInt32()} partitions, {answer.ReadInt16()} replicas, {(hasId ? "an id" : "no id")}"
            : Name(code);
    }

    /// <summary>Asks for a topic of the same name twice in one request.</summary>
    public async Task<string> CreateTwiceAsync(string topic)
    {
        var answer = await AskAsync(
            ApiKey.CreateTopics,
            7,
            true,
            w =>
            {
                w.WriteArrayLength(2);
                WriteNewTopic(w, topic, 1, 1, null, []);
                WriteNewTopic(w, topic, 2, 1, null, []);
                w.WriteInt32(10_000);
                w.WriteBoolean(false);
            }
        );
        answer.ReadInt32();
        var count = answer.ReadArrayLength();
        answer.ReadString();
        answer.ReadUuid();
        return $"{(count > 0 ? Name(answer.ReadInt16()) : "no answer")}";
    }

    public async Task<string> DeleteTopicAsync(string topic)
    {
        var answer = await AskAsync(
            ApiKey.DeleteTopics,
            5,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteInt32(10_000);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadNullableString();
        return Name(answer.ReadInt16());
    }

    public async Task<string> CreatePartitionsAsync(string topic, int total, bool validateOnly = false)
    {
        var answer = await AskAsync(
            ApiKey.CreatePartitions,
            3,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteString(topic);
                w.WriteInt32(total);
                w.WriteArrayLength(-1);
                w.WriteTags();
                w.WriteInt32(10_000);
                w.WriteBoolean(validateOnly);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        answer.ReadString();
        return Name(answer.ReadInt16());
    }

    /// <summary>What Metadata says of one topic; it is not created.</summary>
    public async Task<(short Code, Guid Id, int Partitions, bool HasLeaders)> MetadataAsync(string topic)
    {
        var answer = await AskAsync(
            ApiKey.Metadata,
            10,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteUuid(Guid.Empty);
                w.WriteString(topic);
                w.WriteTags();
                w.WriteBoolean(false);
                w.WriteBoolean(false);
                w.WriteBoolean(false);
            }
        );
        answer.ReadInt32();
        for (var brokers = answer.ReadArrayLength(); brokers > 0; brokers--)
        {
            answer.ReadInt32();
            answer.ReadString();
            answer.ReadInt32();
            answer.ReadNullableString();
            answer.SkipTags();
        }
        answer.ReadNullableString();
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        var code = answer.ReadInt16();
        answer.ReadNullableString();
        var id = answer.ReadUuid();
        answer.ReadBoolean();
        var (partitions, hasLeaders) = (answer.ReadArrayLength(), true);
        for (var i = 0; i < partitions; i++)
        {
            hasLeaders &= answer.ReadInt16() == 0;
            answer.ReadInt32();
            hasLeaders &= answer.ReadInt32() >= 0;
            answer.ReadInt32();
            answer.ReadInt32Array();
            answer.ReadInt32Array();
            answer.ReadInt32Array();
            answer.SkipTags();
        }
        return (code, id, partitions, hasLeaders);
    }

    /// <summary>Changes one configuration entry: 0 sets, 1 deletes, 2 appends, 3 subtracts.</summary>
    public async Task<string> AlterConfigAsync(
        string topic,
        string name,
        string? value,
        byte operation = 0,
        bool validateOnly = false,
        byte resource = 2
    )
    {
        var answer = await AskAsync(
            ApiKey.IncrementalAlterConfigs,
            1,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteByte(resource);
                w.WriteString(topic);
                w.WriteArrayLength(1);
                w.WriteString(name);
                w.WriteByte(operation);
                w.WriteString(value);
                w.WriteTags();
                w.WriteTags();
                w.WriteBoolean(validateOnly);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        return Name(answer.ReadInt16());
    }

    /// <summary>The entries of a topic's configuration that were asked for, all where the names are empty.</summary>
    public async Task<(string Error, SortedDictionary<string, string> Entries)> DescribeConfigsAsync(
        string topic,
        params string[] names
    )
    {
        var answer = await AskAsync(
            ApiKey.DescribeConfigs,
            4,
            true,
            w =>
            {
                w.WriteArrayLength(1);
                w.WriteByte(2);
                w.WriteString(topic);
                w.WriteArrayLength(names.Length == 0 ? -1 : names.Length);
                foreach (var name in names)
                {
                    w.WriteString(name);
                }
                w.WriteTags();
                w.WriteBoolean(false);
                w.WriteBoolean(false);
            }
        );
        answer.ReadInt32();
        Assert.Equal(1, answer.ReadArrayLength());
        var code = answer.ReadInt16();
        answer.ReadNullableString();
        answer.ReadByte();
        answer.ReadString();
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var count = answer.ReadArrayLength(); count > 0; count--)
        {
            var (name, value) = (answer.ReadString(), answer.ReadNullableString());
            var (readOnly, source, sensitive) = (answer.ReadBoolean(), answer.ReadByte(), answer.ReadBoolean());
            Assert.Equal(0, answer.ReadArrayLength());
            var type = answer.ReadByte();
            answer.ReadNullableString();
            answer.SkipTags();
            entries[name] =
                $"{value} (type {type}, {(source == 1 ? "set on the topic" : "default")}"
                + $"{(readOnly ? ", read-only" : "")}{(sensitive ? ", sensitive" : "")})";
        }
        return (Name(code), entries);
    }

    private static void WriteNewTopic(
        ResponseWriter w,
        string topic,
        int partitions,
        short replicas,
        int[]? assignedTo,
        (string Name, string? Value)[] configs
    )
    {
        w.WriteString(topic);
        w.WriteInt32(partitions);
        w.WriteInt16(replicas);
        w.WriteArrayLength(assignedTo is null ? 0 : 1);
        if (assignedTo is not null)
        {
            w.WriteInt32(0);
            w.WriteInt32Array(assignedTo);
            w.WriteTags();
        }
        w.WriteArrayLength(configs.Length);
        foreach (var (name, value) in configs)
        {
            w.WriteString(name);
            w.WriteString(value);
            w.WriteTags();
        }
        w.WriteTags();
    }
}
