using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>Holds a topic against the store: every event of the video streams, once, in order, and nothing
/// else.</summary>
internal static class RelayCheck
{
    public static Task CreateTopicAsync(string bootstrap, Topic topic) =>
        new TopicAdmin(new KafkaOptions { Bootstrap = bootstrap }, NullLogger<TopicAdmin>.Instance)
            .EnsureAsync([topic], default);

    /// <summary>Returns the records, replays left out.</summary>
    public static async Task<List<RelayedRecord>> EverythingOnceAsync(
        TestStore store, string bootstrap, string topic = "video.events")
    {
        var records = (await TopicContents.ReadAsync(bootstrap, topic)).Where(record => !record.Replay).ToList();
        var stored = await store.RowsAsync("select id, stream_id, version, seq_id from mt_events order by seq_id");
        Assert.Equal(stored, records.OrderBy(record => record.Position).Select(record =>
            $"{record.EventId}|{record.Key}|{record.Version}|{record.Position}"));
        foreach (var stream in records.GroupBy(record => record.Key, StringComparer.Ordinal))
        {
            var versions = stream.Select(record => record.Version).ToList();
            Assert.Equal(Enumerable.Range(1, versions.Count).Select(version => (long)version), versions);
        }

        return records;
    }

    /// <summary>Returns the records, replays left out.</summary>
    public static async Task<List<RelayedRecord>> EverythingOnceAsync(
        StoreRig rig, string bootstrap, string topic = "video.events")
    {
        var records = (await TopicContents.ReadAsync(bootstrap, topic)).Where(record => !record.Replay).ToList();
        var stored = await rig.RowsAsync(
            "select id, stream, version, position from events where stream like 'video-%' order by position");
        var relayed = records.OrderBy(record => record.Position).Select(record =>
            $"{record.EventId}|video-{record.Key}|{record.Version}|{record.Position}");
        Assert.Equal(stored, relayed);
        foreach (var stream in records.GroupBy(record => record.Key, StringComparer.Ordinal))
        {
            var versions = stream.Select(record => record.Version).ToList();
            Assert.Equal(Enumerable.Range(1, versions.Count).Select(version => (long)version), versions);
        }

        return records;
    }
}
