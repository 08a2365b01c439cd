using EventStream.Streams;

namespace EventStream.Tests.Streams;

public sealed class MapProcessorTests
{
    [Fact]
    public void Key_and_value_are_replaced_and_the_time_stays()
    {
        var run = new TextRun((_, stream) => TextRun.To(stream.Map((key, value) => KeyValuePair.Create(value, key))));
        run.Pipe("k:v", second: 7);
        var output = Assert.Single(run.Driver.Read("out", Serdes.Text, Serdes.Text));
        Assert.Equal(("v", "k", TextRun.T0.AddSeconds(7)), (output.Key, output.Value, output.Time));
    }
}
