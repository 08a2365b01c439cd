using EventStream.Streams;
using EventStream.Streams.Testing;

namespace EventStream.Tests.Streams;

/// <summary>A topology from topic <c>in</c> to topic <c>out</c>, both of text, in the test driver.</summary>
internal sealed class TextRun
{
    public static readonly DateTimeOffset T0 = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Produced<string, string> Texts = new(Serdes.Text, Serdes.Text);

    public TextRun(Action<StreamBuilder, KStream<string, string>> build)
    {
        var builder = new StreamBuilder();
        build(builder, builder.Stream("in", new Consumed<string, string>(Serdes.Text, Serdes.Text)));
        Topology = builder.Build();
        Driver = new TopologyTestDriver(Topology);
    }

    public Topology Topology { get; }

    public TopologyTestDriver Driver { get; }

    /// <summary>Pipes <c>key:value</c> at a second.</summary>
    public TextRun Pipe(string record, double second = 0, string topic = "in")
    {
        var parts = record.Split(':');
        Driver.Pipe(topic, Texts, parts[0], parts[1], T0.AddSeconds(second));
        return this;
    }

    /// <summary>What was written to <c>out</c>, as <c>key:value</c>.</summary>
    public IReadOnlyList<string> Out() =>
        Driver.Read("out", Serdes.Text, Serdes.Text).Select(output => $"{output.Key}:{output.Value}").ToList();

    public static void To(KStream<string, string> stream) => stream.To("out", Texts);
}
