using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeLogDirs: how many bytes each partition takes, and what the disk has and has left.</summary>
internal static class DescribeLogDirsApi
{
    private sealed record Wanted(Topic Topic, List<int> Partitions);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (writer, version) = (request.Writer, request.Version);
        var wanted = Read(node, request.Reader);
        writer.WriteInt32(0);
        if (version >= 3)
        {
            writer.WriteError(ErrorCode.None);
        }
        writer.WriteArrayLength(1);
        writer.WriteError(ErrorCode.None);
        writer.WriteString(node.Options.DataFolder);
        writer.WriteArrayLength(wanted.Count);
        foreach (var topic in wanted)
        {
            WriteTopic(writer, topic);
        }
        if (version >= 4)
        {
            WriteVolume(writer, node.Options.DataFolder);
        }
        if (version >= 5)
        {
            // A cordoned folder takes no new partitions; there is only the one.
            writer.WriteBoolean(false);
        }
        writer.WriteTags();
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    /// <summary>The partitions asked for, as far as they exist; null means all.</summary>
    private static List<Wanted> Read(BrokerNode node, RequestReader reader)
    {
        var wanted = new List<Wanted>();
        var count = reader.ReadNullableArrayLength();
        if (count < 0)
        {
            wanted.AddRange(node.Topics.All.Select(t => new Wanted(t, [.. Enumerable.Range(0, t.Partitions.Length)])));
        }
        for (; count > 0; count--)
        {
            var topic = node.Topics.Find(reader.ReadString());
            var partitions = reader.ReadInt32Array();
            reader.SkipTags();
            if (topic is not null)
            {
                wanted.Add(new Wanted(topic, [.. partitions.Where(p => topic.Partition(p) is not null).Distinct()]));
            }
        }
        return wanted;
    }

    private static void WriteTopic(ResponseWriter writer, Wanted wanted)
    {
        writer.WriteString(wanted.Topic.Name);
        writer.WriteArrayLength(wanted.Partitions.Count);
        foreach (var partition in wanted.Partitions)
        {
            writer.WriteInt32(partition);
            writer.WriteInt64(wanted.Topic.Partition(partition)!.MeasureBytes());
            writer.WriteInt64(0);
            writer.WriteBoolean(false);
            writer.WriteTags();
        }
        writer.WriteTags();
    }

    private static void WriteVolume(ResponseWriter writer, string folder)
    {
        var (total, usable) = (-1L, -1L);
        try
        {
            var drive = new DriveInfo(Path.GetFullPath(folder));
            (total, usable) = (drive.TotalSize, drive.AvailableFreeSpace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The sizes of the partitions are worth having without those of the disk, which stay at -1, unknown.
        }
        writer.WriteInt64(total);
        writer.WriteInt64(usable);
    }
}
