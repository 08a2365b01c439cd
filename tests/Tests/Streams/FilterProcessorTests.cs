namespace EventStream.Tests.Streams;

public sealed class FilterProcessorTests
{
    [Fact]
    public void Only_records_that_are_kept_go_on()
    {
        var run = new TextRun((_, stream) => TextRun.To(stream.Filter((_, value) => value != "b")));
        Assert.Equal(["k:a", "k:c"], run.Pipe("k:a").Pipe("k:b").Pipe("k:c").Out());
    }
}
