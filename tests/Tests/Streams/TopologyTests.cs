using EventStream.Streams;

namespace EventStream.Tests.Streams;

public sealed class TopologyTests
{
    [Fact]
    public void A_changed_key_goes_through_a_topic_and_an_unchanged_one_does_not()
    {
        Assert.Contains(
            "counts-by-repartition",
            Counted(stream => stream.SelectKey((_, value) => value)),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            "repartition",
            Counted(stream => stream.Filter((_, _) => true)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_topology_describes_its_parts_stores_and_topics()
    {
        var text = Counted(stream => stream.SelectKey((_, value) => value));
        Assert.Contains("Sub-topology: 1", text, StringComparison.Ordinal);
        Assert.Contains("(stores: [counts])", text, StringComparison.Ordinal);
        Assert.Contains("(topic: in)", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_used_before_it_is_added_is_refused_by_name()
    {
        var e = Assert.Throws<TopologyException>(() =>
            new TextRun((_, stream) => stream.Process<string, string>(() => null!, "missing"))
        );
        Assert.Contains("'missing'", e.Message, StringComparison.Ordinal);
    }

    private static string Counted(Func<KStream<string, string>, KStream<string, string>> change) =>
        new TextRun(
            (_, stream) =>
                change(stream)
                    .GroupByKey(new Repartitioned<string, string>("counts-by", Serdes.Text, Serdes.Text))
                    .Count("counts", Serdes.Text)
        ).Topology.Describe();
}
