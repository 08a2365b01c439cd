using Streamiz.Kafka.Net.Stream;

namespace EventStream.Streams;

/// <summary>
/// A sub-topology: the topics that its tasks read, those of them that belong to the application with their partitions
/// (null: as many as the inputs), and its stores.
/// </summary>
internal sealed record StreamStep(
    IReadOnlyList<string> Topics,
    IReadOnlyList<(string Name, int? Partitions)> Repartitions,
    IReadOnlyList<string> Stores
);

/// <summary>What a topology needs in Kafka: its sub-topologies, and the topics that others write.</summary>
internal sealed record StreamShape(IReadOnlyList<StreamStep> Steps, IReadOnlyList<string> Inputs)
{
    public static StreamShape Of(Topology topology, StreamScope scope)
    {
        var steps = topology.Describe().SubTopologies.OrderBy(sub => sub.Id).Select(sub => Step(sub, scope)).ToList();
        var inputs = steps.SelectMany(step => step.Topics.Except(step.Repartitions.Select(topic => topic.Name)));
        return new StreamShape(steps, [.. inputs.Distinct()]);
    }

    private static StreamStep Step(ISubTopologyDescription sub, StreamScope scope)
    {
        var names = sub
            .Nodes.OfType<ISourceNodeDescription>()
            .SelectMany(source => source.Topics)
            .Distinct()
            .Select(name => (Name: name, Own: scope.Repartitions.Keys.FirstOrDefault(own => IsNameOf(name, own))))
            .Select(topic => (Name: topic.Own is null ? topic.Name : scope.RepartitionTopic(topic.Own), topic.Own))
            .ToList();
        return new StreamStep(
            [.. names.Select(topic => topic.Name)],
            [
                .. names
                    .Where(topic => topic.Own is not null)
                    .Select(topic => (topic.Name, scope.Repartitions[topic.Own!])),
            ],
            [.. sub.Nodes.OfType<IProcessorNodeDescription>().SelectMany(node => node.Stores).Distinct()]
        );
    }

    /// <summary>The library puts the application's name before the topic's once it runs.</summary>
    private static bool IsNameOf(string topic, string own) =>
        topic == $"{own}-repartition" || topic.EndsWith($"-{own}-repartition", StringComparison.Ordinal);
}
