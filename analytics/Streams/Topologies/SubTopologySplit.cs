namespace EventStream.Streams;

/// <summary>Splits a graph into its connected parts: nodes joined by an edge or by a store belong together.</summary>
internal static class SubTopologySplit
{
    public static IReadOnlyList<SubTopology> Split(IReadOnlyList<NodeSpec> nodes, IReadOnlyList<StoreSpec> stores)
    {
        var root = nodes.ToDictionary(node => node.Name, node => node.Name, StringComparer.Ordinal);
        foreach (var node in nodes)
        {
            foreach (var parent in node.Parents)
                Join(root, node.Name, parent);
        }

        foreach (var store in stores)
        {
            var users = nodes.Where(node => node.Stores.Contains(store.Name)).Select(node => node.Name).ToList();
            foreach (var user in users.Skip(1))
                Join(root, users[0], user);
        }

        return nodes
            .GroupBy(node => Find(root, node.Name))
            .Select((group, id) => new SubTopology(id, group.ToList(), StoresOf(group, stores)))
            .ToList();
    }

    private static List<StoreSpec> StoresOf(IEnumerable<NodeSpec> nodes, IReadOnlyList<StoreSpec> stores)
    {
        var used = nodes.SelectMany(node => node.Stores).ToHashSet(StringComparer.Ordinal);
        return stores.Where(store => used.Contains(store.Name)).ToList();
    }

    private static void Join(Dictionary<string, string> root, string a, string b) =>
        root[Find(root, a)] = Find(root, b);

    private static string Find(Dictionary<string, string> root, string name)
    {
        while (!string.Equals(root[name], name, StringComparison.Ordinal))
            name = root[name];
        return name;
    }
}
