using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Streams;
using EventStream.Tests.Kit;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Unit.Tests.Streams;

/// <summary>Windows, lateness, idle time, restarts and dead letters of one small topology.</summary>
public sealed class EventTimeTests : IDisposable
{
    private static readonly DateTimeOffset T0 = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly StreamDriver driver = new(Counting, "counting", "in");

    public void Dispose() => driver.Dispose();

    /// <summary>Counts by key in windows of ten seconds with two of grace; only a number can be read.</summary>
    internal static Topology Counting(StreamScope scope)
    {
        var builder = new StreamBuilder()
            .AddWindowStore(scope, "counts", SerDes.Text, SerDes.Long)
            .AddClock(scope, "clock");
        builder
            .Batches("in", new BatchSerDes<int>((data, _) => int.Parse(Encoding.UTF8.GetString(data))))
            .Process(
                new StepSpec<int>(
                    scope,
                    ["in"],
                    "clock",
                    () =>
                        new WindowProcessor<int, long>(
                            "counts",
                            TimeSpan.FromSeconds(10),
                            TimeSpan.FromSeconds(2),
                            0,
                            (_, count) => count + 1,
                            window => [(window.Key, Counted(window))]
                        )
                ),
                "counts"
            )
            .OfType<LoadMeasured>()
            .To(Topics.TrafficLoad);
        return builder.Build();
    }

    [Fact]
    public void A_window_closes_when_another_key_moves_stream_time_past_its_end_and_grace()
    {
        Pipe("a", 1);
        Pipe("a", 9);
        Pipe("b", 11);
        Assert.Empty(Counts());
        Pipe("b", 12);
        Assert.Equal(["a 0 2"], Counts());
    }

    [Fact]
    public void A_record_within_the_grace_counts_and_a_later_one_is_counted_as_late()
    {
        Pipe("a", 1);
        Pipe("b", 11);
        Pipe("a", 2);
        Pipe("b", 25);
        Pipe("a", 3);
        Assert.Equal(["a 0 2", "b 10 1"], Counts());
        Assert.Equal(1, driver.Late);
    }

    [Fact]
    public void Idle_time_closes_the_last_window()
    {
        Pipe("a", 1);
        driver.AdvanceStreamTime(T0.AddSeconds(11));
        Assert.Empty(Counts());
        driver.AdvanceStreamTime(T0.AddSeconds(12));
        Assert.Equal(["a 0 1"], Counts());
    }

    [Fact]
    public void After_a_restart_an_open_window_goes_on_and_closes_without_input()
    {
        Pipe("a", 1);
        driver.Commit();
        Pipe("a", 2);
        driver.Restart();
        driver.AdvanceStreamTime(T0.AddSeconds(12));
        // What was not committed is read again on a broker; the driver has forgotten it.
        Assert.Equal(["a 0 1"], Counts());
    }

    [Fact]
    public void Stream_time_survives_a_restart()
    {
        Pipe("a", 1);
        Pipe("b", 30);
        driver.Commit();
        driver.Restart();
        Pipe("a", 2);
        Assert.Equal(1, driver.Late);
    }

    [Fact]
    public void A_record_that_cannot_be_read_becomes_a_dead_letter_and_the_rest_goes_on()
    {
        Pipe("a", 1);
        driver.Pipe("in", "a", Encoding.UTF8.GetBytes("none"), T0.AddSeconds(2));
        driver.Pipe("in", "a", (byte[]?)null, T0.AddSeconds(3));
        driver.AdvanceStreamTime(T0.AddSeconds(12));
        Assert.Equal(["a 0 1"], Counts());
        Assert.Equal(2, driver.Bad);
        var letters = driver.Read(Topics.DeadLetters.Name);
        var first = SerDes.ReadMessage<RecordDeadLettered>(letters[0].Value, letters[0].Headers);
        Assert.Equal(("in", "counting", "bm9uZQ=="), (first.Topic, first.Group, first.ValueBase64));
        Assert.Equal(typeof(FormatException).FullName, first.ExceptionType);
        Assert.Equal(
            letters.Count,
            letters.Select(letter => CloudEvents.Text(letter.Headers, CloudEvents.Id)).Distinct().Count()
        );
    }

    [Fact]
    public void An_output_has_the_headers_of_a_message_and_an_id_of_its_own()
    {
        Pipe("a", 1);
        Pipe("b", 2);
        driver.AdvanceStreamTime(T0.AddSeconds(12));
        var outputs = driver.Read(Topics.TrafficLoad.Name);
        Assert.Equal(2, outputs.Select(output => CloudEvents.Text(output.Headers, CloudEvents.Id)).Distinct().Count());
        Assert.All(
            outputs,
            output =>
            {
                Assert.Equal("/eventstream/counting", CloudEvents.Text(output.Headers, CloudEvents.Source));
                Assert.Equal(T0.AddSeconds(10).ToUnixTimeMilliseconds(), output.Timestamp.UnixTimestampMs);
            }
        );
    }

    [Fact]
    public void A_message_of_another_type_or_without_one_is_unreadable()
    {
        Assert.Throws<JsonException>(() => SerDes.ReadMessage<LoadMeasured>("{}"u8.ToArray(), null));
        var headers = CloudEvents.Headers(MessageTypes.NameOf(typeof(OperatorActed)), "/test", "1", T0, null);
        Assert.ThrowsAny<JsonException>(() => SerDes.ReadMessage<LoadMeasured>("{}"u8.ToArray(), headers));
    }

    private static LoadMeasured Counted(ClosedWindow<long> window) =>
        new(window.Key, window.Start, 10, window.Value, "records");

    private void Pipe(string key, double second) => driver.Pipe("in", key, "1"u8.ToArray(), T0.AddSeconds(second));

    private List<string> Counts() =>
        [
            .. driver
                .Read<LoadMeasured>(Topics.TrafficLoad)
                .Select(count => $"{count.Resource} {(count.Time - T0).TotalSeconds} {count.Value}"),
        ];
}
