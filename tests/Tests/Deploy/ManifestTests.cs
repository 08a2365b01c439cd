using System.Text.Json;
using System.Text.RegularExpressions;
using EventStream.Console;
using EventStream.Hosting;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;

namespace EventStream.Tests.Deploy;

/// <summary>
/// What the manifests say is what the roles read: each role accepts the settings that it is given there.
/// </summary>
public sealed partial class ManifestTests : IDisposable
{
    /// <summary>Roles for a machine that has no Kafka and no ClickHouse; clusters have both.</summary>
    private static readonly string[] GroundRoles = ["broker", "clickhouse"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-deploy-");

    private static Dictionary<string, string> Secrets => new(StringComparer.Ordinal)
    {
        ["EVENTSTREAM__POSTGRES__CONNECTIONSTRING"] = "Host=postgres;Username=u;Password=p;Database=d",
        ["EVENTSTREAM__CLICKHOUSE__PASSWORD"] = "p",
        ["EVENTSTREAM__UPLOAD__PUBLISHERS__0__NAME"] = "studio",
        ["EVENTSTREAM__UPLOAD__PUBLISHERS__0__KEYSHA256"] = new string('a', 64),
    };

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Compose_runs_every_role() => AssertEveryRole(Manifests.Compose());

    [Fact]
    public void Kubernetes_runs_every_role() => AssertEveryRole(Manifests.Kubernetes(Secrets));

    [Fact]
    public void Every_role_accepts_its_settings_of_docker_compose() => AssertAccepted(Manifests.Compose());

    [Fact]
    public void Every_role_accepts_its_settings_of_Kubernetes() => AssertAccepted(Manifests.Kubernetes(Secrets));

    [Fact]
    public void Kubernetes_reaches_every_role_where_it_listens()
    {
        var listening = Manifests.Kubernetes(Secrets)[0].Environment
            .Where(pair => pair.Key.StartsWith("EVENTSTREAM__LISTEN__", StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key["EVENTSTREAM__LISTEN__".Length..], pair => new Uri(pair.Value).Port);

        Assert.All(listening, pair => Assert.Equal(RoleAddresses.PortOf(pair.Key.ToLowerInvariant()), pair.Value));
    }

    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("dashboard.json")]
    public void Every_metric_that_is_watched_is_one_that_a_role_exports(string file)
    {
        var source = string.Join('\n', Checkout.SourceFiles().Where(IsProduct).Select(File.ReadAllText));
        var exported = Instrument().Matches(source).Select(match => match.Groups["name"].Value.Replace('.', '_'))
            .ToHashSet(StringComparer.Ordinal);
        var watched = Metric().Matches(Manifests.Monitoring(file)).Select(match => Suffix().Replace(match.Value, ""))
            .Distinct(StringComparer.Ordinal).ToList();

        Assert.NotEmpty(watched);
        Assert.All(watched, name => Assert.Contains(name, exported));
    }

    [Fact]
    public void The_dashboard_is_JSON_with_a_query_in_each_panel()
    {
        using var dashboard = JsonDocument.Parse(Manifests.Monitoring("dashboard.json"));

        Assert.All(
            dashboard.RootElement.GetProperty("panels").EnumerateArray(),
            panel => Assert.NotEqual(0, panel.GetProperty("targets").GetArrayLength()));
    }

    private static void AssertEveryRole(IReadOnlyList<RoleContainer> containers) => Assert.Equal(
        Roles.All().Select(role => role.Name).Except(GroundRoles).Order(StringComparer.Ordinal),
        containers.SelectMany(container => container.Roles).Distinct().Order(StringComparer.Ordinal));

    private void AssertAccepted(IReadOnlyList<RoleContainer> containers) => Assert.All(containers, container =>
    {
        foreach (var role in Roles.Named(container.Roles))
        {
            var failure = Record.Exception(() => RoleHost.Build(role, Configuration(container)));
            Assert.True(failure is null, $"{container.Where}: {failure?.Message}");
        }
    });

    /// <summary>Files and variables of the target machine stand for their like here.</summary>
    private IConfiguration Configuration(RoleContainer container)
    {
        var secret = Path.Combine(folder.FullName, "secret");
        File.WriteAllText(secret, new string('k', 64));
        return new ConfigurationBuilder().AddInMemoryCollection(container.Environment.Select(pair =>
            KeyValuePair.Create<string, string?>(
                pair.Key["EVENTSTREAM__".Length..].Replace("__", ":"), pair.Value switch
                {
                    var value when value.StartsWith("/run/secrets/", StringComparison.Ordinal) => secret,
                    var value when value.StartsWith('/') => Path.Combine(folder.FullName, value[1..]),
                    var value when value.StartsWith("${PUBLISHER_KEY_SHA256", StringComparison.Ordinal) => new('a', 64),
                    var value when value.StartsWith("${OTLP", StringComparison.Ordinal) => "",
                    // The actuator asks for a pod's service account, which only a pod has.
                    "kubernetes" => "none",
                    var value => value,
                }))).Build();
    }

    private static bool IsProduct(string file) => !file.Contains("/tests/", StringComparison.Ordinal);

    [GeneratedRegex("\"(?<name>eventstream(\\.[a-z_]+)+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Instrument();

    [GeneratedRegex("eventstream_[a-z_]+", RegexOptions.None, 5000)]
    private static partial Regex Metric();

    /// <summary>What Prometheus appends: unit, and the kind of the series.</summary>
    [GeneratedRegex("(_seconds)?(_total|_bucket|_sum|_count)?$", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Suffix();
}
