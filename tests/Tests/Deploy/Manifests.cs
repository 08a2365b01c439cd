using EventStream.Tests.Kit;
using YamlDotNet.RepresentationModel;

namespace EventStream.Tests.Deploy;

/// <summary>One container that runs roles: its name, its command, and the environment that it is given.</summary>
internal sealed record RoleContainer(
    string Where, IReadOnlyList<string> Roles, IReadOnlyDictionary<string, string> Environment);

/// <summary>Reads the manifests of the deployment as the tools that apply them do.</summary>
internal static class Manifests
{
    private static readonly string Folder = Path.Combine(Checkout.Root, "infra", "deploy");

    /// <summary>Containers of docker-compose.yml that run the platform's image.</summary>
    public static IReadOnlyList<RoleContainer> Compose()
    {
        var compose = Documents(Path.Combine(Checkout.Root, "docker-compose.yml")).Single();
        var services = (YamlMappingNode)compose["services"];
        return
        [
            .. from service in services.Children
               let merged = Merged((YamlMappingNode)service.Value)
               where Text(merged.GetValueOrDefault("image")) == "eventstream:latest"
               select new RoleContainer(
                   $"docker-compose.yml, {service.Key}", Roles(merged["command"]),
                   Merged((YamlMappingNode)merged["environment"])
                       .ToDictionary(pair => pair.Key, pair => Text(pair.Value)!)),
        ];
    }

    /// <summary>Containers of the Kubernetes manifests, with what ConfigMap and secrets give them.</summary>
    public static IReadOnlyList<RoleContainer> Kubernetes(IReadOnlyDictionary<string, string> secrets)
    {
        var settings = KubernetesDocuments().Single(document => Text(document["kind"]) == "ConfigMap")["data"];
        var shared = ((YamlMappingNode)settings).Children
            .ToDictionary(pair => Text(pair.Key)!, pair => Text(pair.Value)!);
        return
        [
            .. from document in KubernetesDocuments()
               where Text(document["kind"]) is "Deployment" or "StatefulSet"
               from container in (YamlSequenceNode)document["spec"]["template"]["spec"]["containers"]
               select new RoleContainer(
                   $"{Text(document["metadata"]["name"])}/{Text(container["name"])}", Roles(container["args"]),
                   Environment((YamlMappingNode)container, shared, secrets)),
        ];
    }

    public static IEnumerable<YamlNode> KubernetesDocuments() =>
        from file in Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml")
        from document in Documents(file)
        select document;

    /// <summary>The text of a file of the monitoring folder.</summary>
    public static string Monitoring(string file) => File.ReadAllText(Path.Combine(Folder, "monitoring", file));

    public static string? Text(YamlNode? node) => (node as YamlScalarNode)?.Value;

    private static IEnumerable<YamlNode> Documents(string file)
    {
        var stream = new YamlStream();
        using var reader = File.OpenText(file);
        stream.Load(reader);
        return stream.Documents.Select(document => document.RootNode);
    }

    private static List<string> Roles(YamlNode command)
    {
        var words = ((YamlSequenceNode)command).Select(word => Text(word)!).ToList();
        Assert.Equal("run", words[0]);
        return words[1..];
    }

    private static Dictionary<string, string> Environment(
        YamlMappingNode container, Dictionary<string, string> shared, IReadOnlyDictionary<string, string> secrets)
    {
        var all = new Dictionary<string, string>(shared, StringComparer.Ordinal);
        foreach (var source in (YamlSequenceNode)container["envFrom"])
        {
            if (!((YamlMappingNode)source).Children.ContainsKey("secretRef")) continue;
            foreach (var (key, value) in secrets) all[key] = value;
        }

        if (!container.Children.TryGetValue("env", out var own)) return all;
        foreach (var pair in ((YamlSequenceNode)own).Cast<YamlMappingNode>())
        {
            pair.Children.TryGetValue("value", out var value);
            all[Text(pair["name"])!] = Text(value) ?? "from-the-pod";
        }

        return all;
    }

    /// <summary>A mapping with what its merge key (&lt;&lt;) brings in; its own entries win.</summary>
    private static Dictionary<string, YamlNode> Merged(YamlMappingNode node)
    {
        var all = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        if (node.Children.TryGetValue("<<", out var parent))
        {
            foreach (var (key, value) in Merged((YamlMappingNode)parent)) all[key] = value;
        }

        foreach (var (key, value) in node.Children)
        {
            if (Text(key) != "<<") all[Text(key)!] = value;
        }

        return all;
    }
}
