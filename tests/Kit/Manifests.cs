using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace EventStream.Tests.Kit;

/// <summary>
/// One container that runs roles: its name, its command, the environment that it is given, and the secret files that
/// are mounted into it, by path there.
/// </summary>
internal sealed record RoleContainer(
    string Where,
    IReadOnlyList<string> Roles,
    IReadOnlyDictionary<string, string> Environment,
    IReadOnlyDictionary<string, string> SecretFiles
);

/// <summary>A host of an ingress, and which service answers which of its paths.</summary>
internal sealed record IngressRule(string Ingress, string Host, IReadOnlyList<IngressPath> Paths);

/// <summary>A path prefix, and the service and port behind it.</summary>
internal sealed record IngressPath(string Path, string Service, int Port);

/// <summary>Reads the manifests of the deployment as the tools that apply them do.</summary>
internal static partial class Manifests
{
    private static readonly string Folder = Path.Combine(Checkout.Root, "infra", "deploy");

    /// <summary>
    /// The settings of a container. Folders of the target machine lie below <paramref name="folder"/> here; a secret
    /// that is not mounted is missing.
    /// </summary>
    public static IEnumerable<KeyValuePair<string, string?>> Settings(RoleContainer container, string folder) =>
        container.Environment.Select(pair =>
            KeyValuePair.Create<string, string?>(
                pair.Key["EVENTSTREAM__".Length..].Replace("__", ":"),
                pair.Value switch
                {
                    var value when value.StartsWith("/run/secrets/", StringComparison.Ordinal) =>
                        container.SecretFiles.GetValueOrDefault(value, value),
                    var value when value.StartsWith('/') => Path.Combine(folder, value[1..]),
                    // The actuator asks for a pod's service account, which only a pod has.
                    "kubernetes" => "none",
                    var value => value,
                }
            )
        );

    /// <summary>The services of docker-compose.yml by name, with what their merge keys bring in.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, YamlNode>> ComposeServices()
    {
        var compose = Documents(Path.Combine(Checkout.Root, "docker-compose.yml")).Single();
        return ((YamlMappingNode)compose["services"]).Children.ToDictionary(
            service => Text(service.Key)!,
            service => (IReadOnlyDictionary<string, YamlNode>)Merged((YamlMappingNode)service.Value)
        );
    }

    /// <summary>Containers of docker-compose.yml that run the platform's image.</summary>
    public static IReadOnlyList<RoleContainer> Compose(DeploymentSecrets secrets)
    {
        var files = (YamlMappingNode)Documents(Path.Combine(Checkout.Root, "docker-compose.yml")).Single()["secrets"];
        return
        [
            .. from service in ComposeServices()
            where Text(service.Value.GetValueOrDefault("image")) == "eventstream:latest"
            select new RoleContainer(
                $"docker-compose.yml, {service.Key}",
                Roles(service.Value["command"]),
                Merged((YamlMappingNode)service.Value["environment"])
                    .ToDictionary(pair => pair.Key, pair => Filled(Text(pair.Value)!, secrets.ComposeVariables)),
                ((YamlSequenceNode)service.Value["secrets"])
                    .Select(name => Text(name)!)
                    .ToDictionary(
                        name => $"/run/secrets/{name}",
                        name => Path.Combine(secrets.Folder, Text(files[name]["file"])!["./secrets/".Length..])
                    )
            ),
        ];
    }

    /// <summary>Those containers that the overlay for S3 changes, as they are with it.</summary>
    public static IReadOnlyList<RoleContainer> ComposeWithS3(DeploymentSecrets secrets)
    {
        var overlay = Documents(Path.Combine(Folder, "compose.s3.yml")).Single();
        var file = Text(overlay["secrets"]["s3-secret-key"]["file"])!["./secrets/".Length..];
        var variables = new Dictionary<string, string>(secrets.ComposeVariables, StringComparer.Ordinal)
        {
            ["S3_ENDPOINT"] = "https://s3.example",
            ["S3_BUCKET"] = "videos",
            ["S3_ACCESS_KEY"] = "eventstream",
        };
        return
        [
            .. from service in (YamlMappingNode)overlay["services"]
            let before = Compose(secrets).Single(container => container.Where.EndsWith($", {Text(service.Key)}"))
            select before with
            {
                Environment = With(before.Environment, service.Value["environment"], variables),
                SecretFiles = before
                    .SecretFiles.Append(
                        KeyValuePair.Create("/run/secrets/s3-secret-key", Path.Combine(secrets.Folder, file))
                    )
                    .ToDictionary(),
            },
        ];
    }

    /// <summary>The containers that keep media, with what the overlay for S3 changes.</summary>
    public static IReadOnlyList<RoleContainer> KubernetesWithS3(DeploymentSecrets secrets)
    {
        var overlay = Documents(Path.Combine(Folder, "kubernetes-s3", "kustomization.yaml")).Single();
        var patch = ((YamlSequenceNode)overlay["patches"])
            .Select(entry => Parse(Text(entry["patch"])!))
            .Single(found => Text(found["kind"]) == "ConfigMap");
        return
        [
            .. from container in Kubernetes(secrets)
            where container.Roles is ["upload"] or ["encode-worker"] or ["playback"]
            select container with
            {
                Environment = With(container.Environment, patch["data"], secrets.ComposeVariables),
            },
        ];
    }

    /// <summary>Containers of the Kubernetes manifests, with what ConfigMap and secrets give them.</summary>
    public static IReadOnlyList<RoleContainer> Kubernetes(DeploymentSecrets secrets) =>
        [
            .. from document in KubernetesDocuments()
            where Text(document["kind"]) is "Deployment" or "StatefulSet"
            let pod = document["spec"]["template"]["spec"]
            from container in ((YamlSequenceNode)pod["containers"]).Cast<YamlMappingNode>()
            select new RoleContainer(
                $"{Text(document["metadata"]["name"])}/{Text(container["name"])}",
                Roles(container["args"]),
                Environment(container, secrets),
                SecretFiles(pod, container, secrets)
            ),
        ];

    /// <summary>The settings that all roles of the Kubernetes manifests share.</summary>
    public static IReadOnlyDictionary<string, string> KubernetesSettings()
    {
        var settings = KubernetesDocuments().Single(document => Text(document["kind"]) == "ConfigMap")["data"];
        return ((YamlMappingNode)settings).Children.ToDictionary(pair => Text(pair.Key)!, pair => Text(pair.Value)!);
    }

    /// <summary>The rules of every ingress of the Kubernetes manifests.</summary>
    public static IReadOnlyList<IngressRule> IngressRules() =>
        [
            .. from document in KubernetesDocuments()
            where Text(document["kind"]) == "Ingress"
            from rule in (YamlSequenceNode)document["spec"]["rules"]
            select new IngressRule(
                Text(document["metadata"]["name"])!,
                Text(rule["host"])!,
                [
                    .. from path in (YamlSequenceNode)rule["http"]["paths"]
                    let service = path["backend"]["service"]
                    select new IngressPath(
                        Text(path["path"])!,
                        Text(service["name"])!,
                        int.Parse(Text(service["port"]["number"])!, provider: null)
                    ),
                ]
            ),
        ];

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

    private static YamlNode Parse(string text)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(text);
        stream.Load(reader);
        return stream.Documents.Single().RootNode;
    }

    private static Dictionary<string, string> With(
        IReadOnlyDictionary<string, string> before,
        YamlNode more,
        IReadOnlyDictionary<string, string> variables
    )
    {
        var all = new Dictionary<string, string>(before, StringComparer.Ordinal);
        foreach (var (key, value) in (YamlMappingNode)more)
            all[Text(key)!] = Filled(Text(value)!, variables);
        return all;
    }

    /// <summary>
    /// The text with compose's variables filled in; one without a value and without a default fails the test.
    /// </summary>
    private static string Filled(string text, IReadOnlyDictionary<string, string> variables) =>
        Variable()
            .Replace(
                text,
                match =>
                    variables.TryGetValue(match.Groups["name"].Value, out var value) ? value
                    : match.Groups["kind"].Value == ":-" ? match.Groups["rest"].Value
                    : throw new KeyNotFoundException($"secrets.sh does not make {match.Groups["name"].Value}")
            );

    private static List<string> Roles(YamlNode command)
    {
        var words = ((YamlSequenceNode)command).Select(word => Text(word)!).ToList();
        Assert.Equal("run", words[0]);
        return words[1..];
    }

    private static Dictionary<string, string> Environment(YamlMappingNode container, DeploymentSecrets secrets)
    {
        var all = new Dictionary<string, string>(KubernetesSettings(), StringComparer.Ordinal);
        foreach (var source in ((YamlSequenceNode)container["envFrom"]).Cast<YamlMappingNode>())
        {
            if (!source.Children.TryGetValue("secretRef", out var secret))
                continue;
            var isOptional = ((YamlMappingNode)secret).Children.ContainsKey("optional");
            foreach (var (key, value) in secrets.Environment(Text(secret["name"])!, isOptional))
                all[key] = value;
        }

        if (!container.Children.TryGetValue("env", out var own))
            return all;
        foreach (var pair in ((YamlSequenceNode)own).Cast<YamlMappingNode>())
        {
            pair.Children.TryGetValue("value", out var value);
            all[Text(pair["name"])!] = Text(value) ?? "from-the-pod";
        }

        return all;
    }

    private static Dictionary<string, string> SecretFiles(
        YamlNode pod,
        YamlMappingNode container,
        DeploymentSecrets secrets
    )
    {
        var mounted = ((YamlSequenceNode)container["volumeMounts"]).ToDictionary(
            mount => Text(mount["name"])!,
            mount => Text(mount["mountPath"])!
        );
        var files =
            from volume in ((YamlSequenceNode)pod["volumes"]).Cast<YamlMappingNode>()
            where volume.Children.ContainsKey("secret") && mounted.ContainsKey(Text(volume["name"])!)
            let secret = (YamlMappingNode)volume["secret"]
            from key in secret.Children.TryGetValue("items", out var items)
                ? ((YamlSequenceNode)items).Select(item => Text(item["path"])!)
                : ["signing-key", "store-master-key"]
            select (Path: $"{mounted[Text(volume["name"])!]}/{key}", File: Path.Combine(secrets.Folder, key));
        return files.ToDictionary(file => file.Path, file => file.File);
    }

    /// <summary>A mapping with what its merge key (&lt;&lt;) brings in; its own entries win.</summary>
    private static Dictionary<string, YamlNode> Merged(YamlMappingNode node)
    {
        var all = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        if (node.Children.TryGetValue("<<", out var parent))
        {
            foreach (var (key, value) in Merged((YamlMappingNode)parent))
                all[key] = value;
        }

        foreach (var (key, value) in node.Children)
        {
            if (Text(key) != "<<")
                all[Text(key)!] = value;
        }

        return all;
    }

    [GeneratedRegex(@"\$\{(?<name>[A-Z0-9_]+)(?<kind>:[?-]|\?)(?<rest>[^}]*)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variable();
}
