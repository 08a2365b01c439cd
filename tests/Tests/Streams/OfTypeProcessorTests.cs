namespace EventStream.Tests.Streams;

public sealed class OfTypeProcessorTests
{
    [Fact]
    public void Only_values_of_the_type_go_on()
    {
        var run = new TextRun(
            (_, stream) =>
                TextRun.To(stream.MapValues((_, value) => value == "n" ? (object)1 : value).OfType<string>())
        );
        Assert.Equal(["k:a"], run.Pipe("k:a").Pipe("k:n").Out());
    }
}
