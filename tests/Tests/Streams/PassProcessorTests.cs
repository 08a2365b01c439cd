using EventStream.Streams;

namespace EventStream.Tests.Streams;

public sealed class PassProcessorTests
{
    [Fact]
    public void Merged_streams_are_one()
    {
        var run = new TextRun(
            (builder, stream) =>
                TextRun.To(
                    stream.Merge(builder.Stream("other", new Consumed<string, string>(Serdes.Text, Serdes.Text)))
                )
        );
        Assert.Equal(["k:a", "k:b"], run.Pipe("k:a").Pipe("k:b", topic: "other").Out());
    }
}
