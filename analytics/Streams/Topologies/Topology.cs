using System.Text;

namespace EventStream.Streams;

/// <summary>A topology is wrong: an unknown node or store, a name used twice. The message names it.</summary>
public sealed class TopologyException(string message) : Exception(message);

internal enum NodeKind
{
    Source,
    Processor,
    Sink,
}

/// <summary>
/// One node, as described: what it is called, what feeds it, which stores and topic it uses, how it is made.
/// </summary>
internal sealed record NodeSpec(
    string Name,
    NodeKind Kind,
    IReadOnlyList<string> Parents,
    IReadOnlyList<string> Stores,
    TopicRef? Topic,
    Func<IProcessorNode> Create
);

/// <summary>A topic of the topology. Internal ones belong to the application and carry its id as a prefix.</summary>
internal sealed record TopicRef(string Name, bool Internal, int? Partitions = null)
{
    public string NameFor(string applicationId) => Internal ? $"{applicationId}-{Name}" : Name;
}

/// <summary>
/// Nodes that are connected by edges or stores: they run together, one task for each partition of their sources.
/// </summary>
internal sealed record SubTopology(int Id, IReadOnlyList<NodeSpec> Nodes, IReadOnlyList<StoreSpec> Stores)
{
    public IEnumerable<NodeSpec> Sources => Nodes.Where(node => node.Kind == NodeKind.Source);
}

/// <summary>
/// A graph of sources, processors and sinks: a pure description. Tasks are made from it by a <c>StreamsApp</c> on a
/// broker, or by a <c>TopologyTestDriver</c> without one.
/// </summary>
public sealed class Topology
{
    internal Topology(IReadOnlyList<NodeSpec> nodes, IReadOnlyList<StoreSpec> stores) =>
        SubTopologies = SubTopologySplit.Split(nodes, stores);

    internal IReadOnlyList<SubTopology> SubTopologies { get; }

    /// <summary>Topics that are read and that others write.</summary>
    public IReadOnlyList<string> SourceTopics =>
        SubTopologies
            .SelectMany(sub => sub.Sources)
            .Where(node => !node.Topic!.Internal)
            .Select(node => node.Topic!.Name)
            .Distinct()
            .ToList();

    /// <summary>The topology as text: sub-topologies, nodes in order, their stores and children.</summary>
    public string Describe()
    {
        var text = new StringBuilder("Topologies:\n");
        foreach (var sub in SubTopologies)
        {
            text.Append($"   Sub-topology: {sub.Id}\n");
            foreach (var node in sub.Nodes)
            {
                var details =
                    node.Kind == NodeKind.Processor
                        ? $"(stores: [{string.Join(", ", node.Stores)}])"
                        : $"(topic: {node.Topic!.Name})";
                var children = sub
                    .Nodes.Where(other => other.Parents.Contains(node.Name))
                    .Select(other => other.Name);
                text.Append($"    {node.Kind}: {node.Name} {details}\n");
                if (node.Kind != NodeKind.Sink)
                    text.Append($"      --> {string.Join(", ", children.DefaultIfEmpty("none"))}\n");
            }
        }

        return text.ToString();
    }
}
