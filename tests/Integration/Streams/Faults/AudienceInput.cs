using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// The reports of an audience drawn from a seed: viewers come, start, stall, change the bitrate, and leave or fall
/// silent; now and then a record that cannot be read is among them. All times are whole milliseconds, so that sums do
/// not depend on the order in which they are made.
/// </summary>
internal sealed class AudienceInput(int seed, DateTimeOffset start)
{
    private const int Watching = 300;
    private const int UnreadableEvery = 400;
    private static readonly int[] Bitrates = [800, 1_600, 3_200, 6_400];
    private readonly Random random = new(seed);
    private readonly PriorityQueue<Watcher, (DateTimeOffset, int)> due = new();
    private readonly long[] written = new long[Topics.PlaybackBeacons.Partitions];
    private readonly List<BeaconReceived> reports = [];
    private readonly HashSet<(int Partition, long Offset)> unreadable = [];
    private readonly string run = $"{Guid.NewGuid():N}"[..6];
    private int viewers;

    /// <summary>How many records were taken of each partition.</summary>
    public IReadOnlyList<long> Written => written;

    /// <summary>Every readable report, in the order of its time.</summary>
    public IReadOnlyList<BeaconReceived> Reports => reports;

    /// <summary>Where the records stand that become dead letters.</summary>
    public IReadOnlySet<(int Partition, long Offset)> DeadLetters => unreadable;

    /// <summary>The next records of the audience.</summary>
    public IEnumerable<InputRecord> Take(int count)
    {
        while (due.Count < Watching)
            Come(reports.Count > 0 ? reports[^1].Time : start);
        for (var i = 0; i < count; i++)
        {
            var watcher = due.Dequeue();
            if ((written.Sum() + 1) % UnreadableEvery == 0)
                yield return Unreadable(watcher.Partition);
            yield return Report(watcher);
            if (watcher.Next(random) is { } next)
                due.Enqueue(watcher, (next, watcher.Number));
            else
                Come(watcher.Time);
        }
    }

    /// <summary>The last reports of everybody who is still there.</summary>
    public IEnumerable<InputRecord> Leave()
    {
        while (due.TryDequeue(out var watcher, out _))
        {
            watcher.Leave();
            yield return Report(watcher);
        }
    }

    private void Come(DateTimeOffset after)
    {
        var number = viewers++;
        var watcher = new Watcher(
            $"{run}-{number}",
            number,
            random.Next(written.Length),
            $"video-{random.Next(4)}",
            $"edge-{random.Next(2)}",
            after.AddMilliseconds(random.Next(1, 20_000))
        );
        due.Enqueue(watcher, (watcher.Time, number));
    }

    private InputRecord Report(Watcher watcher)
    {
        var beacon = watcher.Beacon(Bitrates[random.Next(Bitrates.Length)]);
        reports.Add(beacon);
        return Record(
            watcher.Partition,
            beacon.SessionId,
            beacon.ReceivedAt,
            MessageTypes.Write(beacon),
            CloudEvents.Headers(
                MessageTypes.NameOf(typeof(BeaconReceived)),
                "/test",
                $"{beacon.SessionId}/{beacon.Sequence}",
                beacon.Time,
                traceParent: null
            )
        );
    }

    private InputRecord Unreadable(int partition)
    {
        unreadable.Add((partition, written[partition]));
        var time = reports.Count > 0 ? reports[^1].Time : start;
        return Record(partition, $"bad-{unreadable.Count}", time, Encoding.UTF8.GetBytes("no report"), []);
    }

    private InputRecord Record(int partition, string key, DateTimeOffset time, byte[] value, Headers headers)
    {
        written[partition]++;
        return new(
            partition,
            new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes(key),
                Value = value,
                Headers = headers,
                Timestamp = new Timestamp(time),
            }
        );
    }

    /// <summary>One viewer: a state that changes with each report.</summary>
    private sealed class Watcher(
        string session,
        int number,
        int partition,
        string video,
        string edge,
        DateTimeOffset first
    )
    {
        private string state = "s";
        private long sequence;
        private int left = 3 + (number % 20);

        public int Number => number;

        public int Partition => partition;

        public DateTimeOffset Time { get; private set; } = first;

        public BeaconReceived Beacon(int kbps) =>
            new()
            {
                SessionId = session,
                ContentId = video,
                Version = 2,
                Event = "ps",
                State = state,
                Time = Time,
                ReceivedAt = Time,
                Sequence = sequence++,
                PlayheadBitrateKbps = state == "p" ? kbps : null,
                Region = "eu",
                Device = "tv",
                Edge = edge,
                Player = "hls.js",
                Proven = true,
                Raw = $"sid={session},sn={sequence},sta={state}",
            };

        public void Leave() => state = "e";

        /// <summary>Draws the next state and its time; null after the last report, which may be in any state.</summary>
        public DateTimeOffset? Next(Random random)
        {
            if (state is "e" || left-- == 0)
                return null;
            state = state switch
            {
                "p" when left == 0 && number % 3 > 0 => "e",
                "p" => random.Next(4) switch
                {
                    0 => "r",
                    1 => "a",
                    _ => "p",
                },
                _ => "p",
            };
            Time = Time.AddMilliseconds(random.Next(200, 6_000));
            return Time;
        }
    }
}
