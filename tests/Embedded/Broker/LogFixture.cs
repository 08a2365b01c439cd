using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>A log in a folder of its own, which can be opened again as after a crash or a clean stop.</summary>
internal sealed class LogFixture : IDisposable
{
    private readonly List<PartitionLog> _opened = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("eventstream-log-").FullName;

    public HandClock Time { get; } = new();

    public BrokerCounters Counters { get; } = new();

    public bool FlushAlways { get; set; }

    /// <summary>False for a machine that lost its power since the log was last open.</summary>
    public bool TrustsUnflushed { get; set; } = true;

    public PartitionLog Open(params (string Name, string Value)[] config)
    {
        var settings = new TopicConfig(config.ToDictionary(c => c.Name, c => c.Value));
        var context = new LogContext(Time, NullLogger.Instance, FlushAlways, Counters, TrustsUnflushed);
        var log = PartitionLog.Open(Folder, settings, context);
        _opened.Add(log);
        return log;
    }

    public string[] Segments() => [.. Directory.GetFiles(Folder, "*.log").Order(StringComparer.Ordinal)];

    /// <summary>The offsets of the batches from an offset on, as one read returns them.</summary>
    public static List<long> Offsets(PartitionLog log, long from, int maxBytes = 1 << 20)
    {
        using var writer = new ResponseWriter();
        var offsets = new List<long>();
        while (from < log.LogEnd)
        {
            writer.Truncate(0);
            var read = log.Read(from, log.LogEnd, maxBytes, atLeastOne: true, writer);
            Assert.Equal(ErrorCode.None, read.Error);
            Assert.NotEqual(0, read.Bytes);
            for (var at = 0; at < read.Bytes; )
            {
                var header = BatchHeader.Read(writer.From(at));
                Assert.True(BatchHeader.ChecksumMatches(writer.From(at)[..header.TotalBytes]));
                offsets.Add(header.BaseOffset);
                at += header.TotalBytes;
            }
            from = read.NextOffset;
        }
        return offsets;
    }

    public void Dispose()
    {
        foreach (var log in _opened)
        {
            log.Abandon();
        }
        Directory.Delete(Folder, recursive: true);
    }
}
