using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Streams;
using EventStream.Streams.Runtime;
using EventStream.Streams.Testing;

namespace EventStream.Tests.Streams;

public sealed class SourceProcessorTests
{
    [Fact]
    public void A_record_that_cannot_be_read_stops_the_stream_or_is_passed_over()
    {
        var driver = Messages();
        Assert.Throws<UnreadableRecordException>(() => driver.PipeRaw("in", [], "{"u8.ToArray(), null, TextRun.T0));
        driver.BadRecords = BadRecordPolicy.Continue;
        driver.PipeRaw("in", [], "{"u8.ToArray(), null, TextRun.T0);
        Assert.Equal(2, driver.Bad);
    }

    [Fact]
    public void Messages_leave_with_their_wire_name_and_an_id_that_leads_back_to_the_input()
    {
        var driver = Messages();
        var load = new LoadMeasured("viewers", TextRun.T0, 10, 7, "sessions");
        driver.Pipe(
            "in",
            new Produced<string, LoadMeasured>(Serdes.Text, Serdes.Message<LoadMeasured>()),
            "viewers",
            load,
            TextRun.T0
        );
        var output = Assert.Single(driver.Read("out", Serdes.Text, Serdes.Message<LoadMeasured>()));
        Assert.Equal(load, output.Value);
        Assert.Equal("traffic.load-measured.v1", CloudEvents.Text(output.Headers, CloudEvents.Type));
        Assert.Equal("app/0_0/in/0/0/0", CloudEvents.Text(output.Headers, CloudEvents.Id));
    }

    private static TopologyTestDriver Messages()
    {
        var builder = new StreamBuilder();
        builder
            .Stream("in", new Consumed<string, LoadMeasured>(Serdes.Text, Serdes.Message<LoadMeasured>()))
            .To("out", new Produced<string, LoadMeasured>(Serdes.Text, Serdes.Message<LoadMeasured>()));
        return new TopologyTestDriver(builder.Build(), "app");
    }
}
