using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>One window of one key: how many numbers came, and their sum.</summary>
internal sealed record CountedWindow(string Key, long StartMs, long Count, long Sum);

/// <summary>A record and the partition that it is written to.</summary>
internal sealed record InputRecord(int Partition, Message<byte[], byte[]> Message);

/// <summary>
/// An endless series of numbers drawn from a seed, and beside it the windows and dead letters that must come of what
/// was taken of it. The reference is computed from the rules alone: tumbling windows, a grace, and a stream time for
/// each partition that never goes back. Some records are out of order, some are later than the grace, some cannot be
/// read.
/// </summary>
internal sealed class CountInput(int seed, DateTimeOffset start, CountSettings settings)
{
    public const int Partitions = 4;
    public const int KeysPerPartition = 25;

    /// <summary>The value of a record that no deserializer takes.</summary>
    public const string Unreadable = "not a number";

    private const int MsBetween = 4;
    private const int LateEvery = 200;
    private const int UnreadableEvery = 500;
    private readonly Random random = new(seed);
    private readonly long[] streamTime = [.. Enumerable.Repeat(long.MinValue, Partitions)];
    private readonly long[] written = new long[Partitions];
    private readonly Dictionary<(string Key, long StartMs), (long Count, long Sum)> windows = [];
    private readonly HashSet<(int Partition, long Offset)> unreadable = [];
    private readonly long startMs = start.ToUnixTimeMilliseconds() / 1000 * 1000;
    private long next;

    /// <summary>How many records were taken of each partition.</summary>
    public IReadOnlyList<long> Written => written;

    /// <summary>Where the records stand that become dead letters.</summary>
    public IReadOnlySet<(int Partition, long Offset)> DeadLetters => unreadable;

    /// <summary>Records that came after the end of their window and the grace.</summary>
    public long Late { get; private set; }

    /// <summary>The windows that must be on the output once everything taken is processed.</summary>
    public IEnumerable<CountedWindow> Closed =>
        from window in windows
        where EndWithGrace(window.Key.StartMs) <= streamTime[PartitionOf(window.Key.Key)]
        select new CountedWindow(window.Key.Key, window.Key.StartMs, window.Value.Count, window.Value.Sum);

    /// <summary>Windows that no record has closed yet.</summary>
    public IEnumerable<CountedWindow> Open =>
        from window in windows
        where EndWithGrace(window.Key.StartMs) > streamTime[PartitionOf(window.Key.Key)]
        select new CountedWindow(window.Key.Key, window.Key.StartMs, window.Value.Count, window.Value.Sum);

    /// <summary>The next records of the series.</summary>
    public IEnumerable<InputRecord> Take(int count)
    {
        for (var i = 0; i < count; i++)
            yield return Next();
    }

    /// <summary>One record a partition, of a time that closes every window before it.</summary>
    public IEnumerable<InputRecord> Close()
    {
        next += ((2 * settings.WindowMs) + settings.GraceMs) / MsBetween;
        for (var partition = 0; partition < Partitions; partition++)
            yield return Number(partition, 0, Time(next), next);
    }

    private long EndWithGrace(long windowStart) => windowStart + settings.WindowMs + settings.GraceMs;

    private static int PartitionOf(string key) => int.Parse(key.AsSpan(1, 1), CultureInfo.InvariantCulture);

    private InputRecord Next()
    {
        var number = next++;
        var partition = random.Next(Partitions);
        var key = random.Next(KeysPerPartition);
        var jitter = random.Next(settings.GraceMs);
        if (number % UnreadableEvery == UnreadableEvery - 1)
            return Bad(partition, key);
        var time = number % LateEvery == LateEvery - 1 ? Time(number) - (2 * EndWithGrace(0)) : Time(number) - jitter;
        return Number(partition, key, Math.Max(time, startMs), number);
    }

    private InputRecord Number(int partition, int key, long time, long number)
    {
        var name = $"p{partition}-k{key}";
        var now = streamTime[partition] = Math.Max(streamTime[partition], time);
        var window = time - (time % settings.WindowMs);
        if (EndWithGrace(window) <= now)
        {
            Late++;
        }
        else
        {
            var (count, sum) = windows.GetValueOrDefault((name, window));
            windows[(name, window)] = (count + 1, sum + number);
        }

        return Record(partition, name, number.ToString(CultureInfo.InvariantCulture), time);
    }

    /// <summary>It has the time of the record before it, so it moves no clock.</summary>
    private InputRecord Bad(int partition, int key)
    {
        unreadable.Add((partition, written[partition]));
        return Record(partition, $"p{partition}-k{key}", Unreadable, Math.Max(streamTime[partition], startMs));
    }

    private InputRecord Record(int partition, string key, string value, long time)
    {
        written[partition]++;
        return new(
            partition,
            new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes(key),
                Value = Encoding.UTF8.GetBytes(value),
                Timestamp = new Timestamp(time, TimestampType.CreateTime),
            }
        );
    }

    private long Time(long number) => startMs + (number * MsBetween);
}
