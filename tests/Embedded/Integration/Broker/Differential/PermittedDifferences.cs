namespace EventStream.Embedded.Tests.Integration.Broker.Differential;

/// <summary>
/// One observation that the platform's broker makes otherwise than Apache Kafka, and why that is right;
/// <see cref="Own"/> is null where there is nothing to be seen.
/// </summary>
internal sealed record PermittedDifference(string Scenario, string Apache, string? Own, string Why);

/// <summary>
/// Every difference that is meant. What is compared leaves out what must differ between any two brokers: node and
/// cluster ids, addresses, producer ids, member ids, topic ids, the texts of error messages and the time of an append.
/// </summary>
internal static class PermittedDifferences
{
    private const string Described = "configs described";
    private const string NoSuchFeature = "The broker has no such feature, and says so instead of taking the entry.";
    private const string Clearer = "Apache Kafka says only that something unknown went wrong.";
    private const string EmptyGroup = "Nobody can join a group without an id, so that nothing is kept for it either.";

    public static readonly IReadOnlyList<PermittedDifference> All =
    [
        new("produce every codec", "codec 5: Unknown", "codec 5: InvalidRecord", Clearer),
        new("produce every codec", "codec 6: Unknown", "codec 6: InvalidRecord", Clearer),
        new("produce every codec", "codec 7: Unknown", "codec 7: InvalidRecord", Clearer),
        new(
            "configs altered",
            "an unknown operation: Unknown, now 604800000 (type 5, default)",
            "an unknown operation: InvalidConfig, now 604800000 (type 5, default)",
            Clearer
        ),
        new(
            "produce what breaks a rule",
            "transactional without a producer id: TransactionalIdAuthorizationFailed",
            "transactional without a producer id: InvalidProducerIdMapping",
            "The broker has no authorization that could fail."
        ),
        new("group offsets", "no group id: NoError", "no group id: InvalidGroupId", EmptyGroup),
        new("transactions in the wrong state", "no group id: NoError", "no group id: InvalidGroupId", EmptyGroup),
        new(
            "transactions fenced",
            "second: NoError, epoch +2, the same producer id",
            "second: NoError, epoch +1, the same producer id",
            "One epoch fences the first producer; Apache Kafka takes a further one for the abort."
        ),
        new(
            "topics that cannot be created",
            "249 characters: NoError, 1 partitions, 1 replicas, an id",
            "249 characters: NoError, 1 partitions, 1 replicas, no id",
            "What is only validated has no id that anything could be asked by."
        ),
        new(
            "topics that cannot be created",
            "only validated: NoError, 3 partitions, 1 replicas, an id",
            "only validated: NoError, 3 partitions, 1 replicas, no id",
            "What is only validated has no id that anything could be asked by."
        ),
        new(
            "topics that cannot be created",
            "names that collide: TopicException",
            "names that collide: NoError, 1 partitions, 1 replicas, an id",
            "Names of metrics keep their dots here, so that these two do not collide."
        ),
        new(
            Described,
            "segment.bytes: 1073741824 (type 3, default)",
            "segment.bytes: 134217728 (type 3, default)",
            "After a crash the last segment is walked: a small one makes the next start short."
        ),
        new(
            Described,
            "index.interval.bytes: 4096 (type 3, default)",
            "index.interval.bytes: 16384 (type 3, default)",
            "The index is held in memory; finding a batch reads a few more bytes."
        ),
        Absent("compression.gzip.level: -1 (type 3, default)"),
        Absent("compression.lz4.level: 9 (type 3, default)"),
        Absent("compression.zstd.level: 3 (type 3, default)"),
        Absent("file.delete.delay.ms: 60000 (type 5, default)"),
        Absent("follower.replication.throttled.replicas:  (type 7, default)"),
        Absent("leader.replication.throttled.replicas:  (type 7, default)"),
        Absent("local.retention.bytes: -2 (type 5, default)"),
        Absent("local.retention.ms: -2 (type 5, default)"),
        Absent("preallocate: false (type 1, default)"),
        Absent("remote.log.copy.disable: false (type 1, default)"),
        Absent("remote.log.delete.on.disable: false (type 1, default)"),
        Absent("remote.storage.enable: false (type 1, default)"),
        Absent("segment.jitter.ms: 0 (type 5, default)"),
    ];

    /// <summary>What is wanted of the platform's broker, given what Apache Kafka shows.</summary>
    public static IReadOnlyList<string> Apply(string scenario, IReadOnlyList<string> golden) =>
        [.. golden.Select(line => Apply(scenario, line)).OfType<string>()];

    private static string? Apply(string scenario, string line)
    {
        var permitted = All.FirstOrDefault(d => d.Scenario == scenario && d.Apache == line);
        return permitted is null ? line : permitted.Own;
    }

    private static PermittedDifference Absent(string entry) => new(Described, entry, null, NoSuchFeature);
}
