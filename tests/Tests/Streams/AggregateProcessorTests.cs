using EventStream.Streams;

namespace EventStream.Tests.Streams;

public sealed class AggregateProcessorTests
{
    [Fact]
    public void Each_record_gives_the_key_its_new_value()
    {
        var run = new TextRun((_, stream) => TextRun.To(Joined(stream).ToStream()));
        Assert.Equal(["k:a", "k:ab", "m:x"], run.Pipe("k:a").Pipe("k:b").Pipe("m:x").Out());
    }

    [Fact]
    public void What_was_not_committed_is_forgotten_at_a_restart()
    {
        var run = new TextRun((_, stream) => TextRun.To(Joined(stream).ToStream())).Pipe("k:a");
        run.Driver.Commit();
        run.Pipe("k:b").Driver.Restart();
        run.Out();
        Assert.Equal(["k:ac"], run.Pipe("k:c").Out());
    }

    [Fact]
    public void A_key_that_changed_often_is_written_to_the_changelog_once_a_commit()
    {
        var run = new TextRun((_, stream) => TextRun.To(Joined(stream).ToStream()));
        for (var i = 0; i < 100; i++)
            run.Pipe("k:a");
        run.Driver.Commit();
        // One for the key, one for the task's stream time.
        Assert.Equal(2, run.Driver.ChangelogRecords);
    }

    private static KTable<string, string> Joined(KStream<string, string> stream) =>
        stream
            .GroupByKey(new Repartitioned<string, string>("by-key", Serdes.Text, Serdes.Text))
            .Aggregate(
                () => "",
                (_, value, sum) => sum + value,
                new Materialized<string, string>("sums", Serdes.Text, Serdes.Text)
            );
}
