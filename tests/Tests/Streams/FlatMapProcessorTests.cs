namespace EventStream.Tests.Streams;

public sealed class FlatMapProcessorTests
{
    [Fact]
    public void A_record_becomes_none_or_many()
    {
        var run = new TextRun(
            (_, stream) =>
                TextRun.To(
                    stream.FlatMap(
                        (key, value) => value.Select(letter => KeyValuePair.Create(key, letter.ToString()))
                    )
                )
        );
        Assert.Equal(["k:a", "k:b"], run.Pipe("k:ab").Pipe("k:").Out());
    }
}
