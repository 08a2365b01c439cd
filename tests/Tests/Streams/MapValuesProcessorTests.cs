namespace EventStream.Tests.Streams;

public sealed class MapValuesProcessorTests
{
    [Fact]
    public void The_value_is_replaced_under_its_key()
    {
        var run = new TextRun((_, stream) => TextRun.To(stream.MapValues((key, value) => key + value)));
        Assert.Equal(["k:kv"], run.Pipe("k:v").Out());
    }
}
