using EventStream.Hosting;
using EventStream.Tests.Kit;
using YamlDotNet.RepresentationModel;

namespace EventStream.Unit.Tests.Deploy;

/// <summary>What a deployment opens: ports, services, and hosts of the ingress.</summary>
public sealed class DoorTests(DeploymentSecrets secrets) : IClassFixture<DeploymentSecrets>
{
    private const string Listen = "EVENTSTREAM__LISTEN__";
    private const string Public = "EVENTSTREAM__URLS__PUBLIC__";
    private const string Internal = "EVENTSTREAM__URLS__";

    [Fact]
    public void Kubernetes_reaches_every_role_where_it_listens()
    {
        var settings = Manifests.KubernetesSettings();
        var listening = settings.Where(pair => pair.Key.StartsWith(Listen, StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(listening);
        Assert.All(
            listening,
            pair =>
            {
                var role = pair.Key[Listen.Length..].ToLowerInvariant();
                Assert.Equal(
                    ("0.0.0.0", RoleAddresses.PortOf(role)),
                    (new Uri(pair.Value).Host, new Uri(pair.Value).Port)
                );
            }
        );
    }

    [Fact]
    public void Every_address_inside_of_the_cluster_is_a_service_with_that_port()
    {
        var services = Services();
        var addresses = Manifests
            .KubernetesSettings()
            .Where(pair =>
                pair.Key.StartsWith(Internal, StringComparison.Ordinal)
                || (
                    pair.Key.StartsWith("EVENTSTREAM__TRAFFIC__EDGES__", StringComparison.Ordinal)
                    && pair.Key.EndsWith("__URL", StringComparison.Ordinal)
                )
            )
            .Where(pair => !pair.Key.StartsWith(Public, StringComparison.Ordinal))
            .Select(pair => new Uri(pair.Value));

        Assert.All(addresses, url => Assert.Contains(url.Port, services[url.Host].Keys));
    }

    [Fact]
    public void Every_service_leads_to_a_port_that_its_container_has()
    {
        foreach (var (name, ports) in Services())
        {
            var pod = Manifests
                .KubernetesDocuments()
                .Single(document =>
                    Manifests.Text(document["kind"]) is "Deployment" or "StatefulSet"
                    && Manifests.Text(document["metadata"]["name"]) == name
                )["spec"]["template"]["spec"];
            var open = ((YamlSequenceNode)pod["containers"])
                .Cast<YamlMappingNode>()
                .Where(container => container.Children.ContainsKey("ports"))
                .SelectMany(container => (YamlSequenceNode)container["ports"])
                .Select(port => Manifests.Text(port["name"])!)
                .ToList();
            Assert.All(ports.Values, target => Assert.Contains(target, open));
        }
    }

    [Fact]
    public void Every_rule_of_an_ingress_has_a_certificate_and_a_service_with_that_port()
    {
        var services = Services();
        var certified = Manifests
            .KubernetesDocuments()
            .Where(document => Manifests.Text(document["kind"]) == "Ingress")
            .SelectMany(document => (YamlSequenceNode)document["spec"]["tls"])
            .SelectMany(entry => (YamlSequenceNode)entry["hosts"])
            .Select(Manifests.Text)
            .ToHashSet();

        Assert.All(
            Manifests.IngressRules(),
            rule =>
            {
                Assert.Contains(rule.Host, certified);
                Assert.All(rule.Paths, path => Assert.Contains(path.Port, services[path.Service].Keys));
            }
        );
    }

    [Fact]
    public void Public_addresses_are_the_hosts_of_the_ingress_for_that_service()
    {
        var addresses = Manifests
            .KubernetesSettings()
            .Where(pair => pair.Key.StartsWith(Public, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[Public.Length..].ToLowerInvariant(), pair => pair.Value);
        var hosts = Manifests
            .IngressRules()
            .SelectMany(rule => rule.Paths.Select(path => (path.Service, Url: $"https://{rule.Host}")))
            .Distinct()
            .ToDictionary(entry => entry.Service, entry => entry.Url);

        Assert.Equal(hosts.OrderBy(entry => entry.Key), addresses.OrderBy(entry => entry.Key));
    }

    [Fact]
    public void Viewers_and_publishers_have_a_door_and_the_console_has_another()
    {
        var rules = Manifests.IngressRules();
        var outside = rules.Where(rule => rule.Ingress == "eventstream").ToList();
        var console = Assert.Single(rules, rule => rule.Paths.Any(path => path.Service == "console"));

        Assert.Equal(
            ["collect", "edge-a", "edge-b", "playback", "traffic", "upload"],
            outside.SelectMany(rule => rule.Paths).Select(path => path.Service).Order()
        );
        Assert.Equal("console", console.Ingress);
        // What roles ask each other, and their health, is not for strangers.
        Assert.DoesNotContain(outside.SelectMany(rule => rule.Paths), path => path.Path == "/");
        Assert.DoesNotContain(
            outside.SelectMany(rule => rule.Paths),
            path => path is { Path: "/v1", Service: "traffic" }
        );
    }

    [Fact]
    public void Compose_opens_loopback_only()
    {
        Assert.All(
            Manifests.ComposeServices(),
            service =>
            {
                if (service.Value.TryGetValue("ports", out var ports))
                {
                    Assert.All((YamlSequenceNode)ports, port => Assert.StartsWith("127.0.0.1:", Manifests.Text(port)));
                }
            }
        );
        Assert.All(
            Manifests.Compose(secrets),
            container =>
                Assert.All(
                    container.Environment.Where(pair => pair.Key.StartsWith(Listen, StringComparison.Ordinal)),
                    pair => Assert.True(new Uri(pair.Value).IsLoopback, pair.Value)
                )
        );
    }

    [Fact]
    public void Compose_decides_from_the_number_of_workers_that_it_runs()
    {
        var services = Manifests.ComposeServices();
        var capacity = (YamlMappingNode)services["capacity"]["environment"];

        Assert.Equal(
            Manifests.Text(services["encode-worker"]["deploy"]["replicas"]),
            Manifests.Text(capacity["EVENTSTREAM__CAPACITY__TARGETS__0__MINREPLICAS"])
        );
    }

    [Fact]
    public void In_compose_nobody_reaches_data_without_a_password()
    {
        var services = Manifests.ComposeServices();

        // On the host's network its own users would be on the loopback that these trust.
        Assert.All(
            (string[])["kafka", "postgres", "clickhouse"],
            name => Assert.False(services[name].ContainsKey("network_mode"), name)
        );
        var kafka = (YamlMappingNode)services["kafka"]["environment"];
        var listeners = Manifests.Text(kafka["KAFKA_LISTENERS"])!.Split(',');
        var protocols = Manifests.Text(kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"])!.Split(',');
        Assert.All(
            listeners.Where(listener => !listener.Contains("//127.0.0.1:")),
            listener => Assert.Contains($"{listener.Split(':')[0]}:SASL_PLAINTEXT", protocols)
        );
    }

    private static Dictionary<string, Dictionary<int, string>> Services() =>
        Manifests
            .KubernetesDocuments()
            .Where(document => Manifests.Text(document["kind"]) == "Service")
            .ToDictionary(
                document => Manifests.Text(document["metadata"]["name"])!,
                document =>
                    ((YamlSequenceNode)document["spec"]["ports"]).ToDictionary(
                        port => int.Parse(Manifests.Text(port["port"])!, provider: null),
                        port => Manifests.Text(port["targetPort"])!
                    )
            );
}
