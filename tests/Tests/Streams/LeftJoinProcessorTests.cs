using EventStream.Streams;

namespace EventStream.Tests.Streams;

public sealed class LeftJoinProcessorTests
{
    [Fact]
    public void A_record_meets_the_latest_value_of_its_key_or_none()
    {
        var run = new TextRun(
            (builder, stream) =>
            {
                var table = builder.Table(
                    "names",
                    new Consumed<string, string>(Serdes.Text, Serdes.Text),
                    new Materialized<string, string>("names", Serdes.Text, Serdes.Text)
                );
                TextRun.To(stream.LeftJoin(table, (value, name) => $"{value}-{name ?? "nobody"}"));
            }
        );
        run.Pipe("k:1").Pipe("k:ann", topic: "names").Pipe("k:2").Pipe("k:bea", topic: "names").Pipe("k:3");
        Assert.Equal(["k:1-nobody", "k:2-ann", "k:3-bea"], run.Out());
    }
}
