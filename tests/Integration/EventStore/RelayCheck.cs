using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>Holds a topic against a store: every event, once, in order, and nothing else.</summary>
internal static class RelayCheck
{
    public static Task CreateTopicAsync(string bootstrap, Topic topic) =>
        new TopicAdmin(new KafkaOptions { Bootstrap = bootstrap }, NullLogger<TopicAdmin>.Instance).EnsureAsync(
            [topic],
            default
        );

    /// <summary>Compares the topic with a store, as below.</summary>
    public static async Task<List<RelayedRecord>> EverythingOnceAsync(
        TestStore store,
        string bootstrap,
        string topic = "video.events"
    ) => await EverythingOnceAsync(await StoredAsync(store), bootstrap, topic);

    /// <summary>
    /// Every event as <c>id|stream|version|position</c>. Marten's own tombstones, in the places of appends that failed,
    /// are none.
    /// </summary>
    public static Task<List<string>> StoredAsync(TestStore store) =>
        store.RowsAsync(
            "select id, stream_id, version, seq_id from mt_events where type <> 'tombstone' order by seq_id"
        );

    /// <summary>
    /// Compares the topic with the rows <c>id|stream|version|position</c> of the store, and each key's versions with
    /// 1, 2, 3 ... in the order of the topic. Returns the records, replays left out.
    /// </summary>
    public static async Task<List<RelayedRecord>> EverythingOnceAsync(
        IReadOnlyList<string> stored,
        string bootstrap,
        string topic = "video.events"
    )
    {
        var records = (await TopicContents.ReadAsync(bootstrap, topic)).Where(record => !record.Replay).ToList();
        Assert.Equal(
            stored,
            records
                .OrderBy(record => record.Position)
                .Select(record => $"{record.EventId}|{record.Key}|{record.Version}|{record.Position}")
        );
        foreach (var stream in records.GroupBy(record => record.Key, StringComparer.Ordinal))
        {
            var versions = stream.Select(record => record.Version).ToList();
            Assert.Equal(Enumerable.Range(1, versions.Count).Select(version => (long)version), versions);
        }

        return records;
    }
}
