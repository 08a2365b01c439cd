using System.Text.Json;
using System.Text.RegularExpressions;
using EventStream.Cli;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Media;
using EventStream.Media.S3;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Unit.Tests.Deploy;

/// <summary>
/// What the manifests say is what the roles read: each role accepts the settings and secrets that it is given there.
/// </summary>
public sealed partial class ManifestTests(DeploymentSecrets secrets) : IClassFixture<DeploymentSecrets>, IDisposable
{
    /// <summary>Roles for a machine that has no Kafka and no ClickHouse; clusters have both.</summary>
    private static readonly string[] GroundRoles = ["broker", "clickhouse"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-deploy-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Compose_runs_every_role() => AssertEveryRole(Manifests.Compose(secrets));

    [Fact]
    public void Kubernetes_runs_every_role() => AssertEveryRole(Manifests.Kubernetes(secrets));

    [Fact]
    public void Every_role_accepts_its_settings_of_docker_compose() => AssertAccepted(Manifests.Compose(secrets));

    [Fact]
    public void Every_role_accepts_its_settings_of_Kubernetes() => AssertAccepted(Manifests.Kubernetes(secrets));

    [Fact]
    public void With_the_overlay_for_S3_the_roles_that_keep_media_keep_them_there()
    {
        File.WriteAllText(Path.Combine(secrets.Folder, "s3-secret-key"), "of-the-bucket\n");
        secrets.Run();
        var containers = Manifests.ComposeWithS3(secrets).Concat(Manifests.KubernetesWithS3(secrets)).ToList();
        Assert.Equal(6, containers.Count);
        Assert.All(
            containers,
            container =>
            {
                using var app = RoleHost.Build(Roles.Named(container.Roles).Single(), Configuration(container));
                Assert.IsType<S3MediaStore>(app.Services.GetRequiredService<IMediaStore>());
            }
        );
    }

    [Fact]
    public void Roles_know_an_operator_and_call_each_other_with_the_service_credential() =>
        Assert.All(
            Containers().Where(container => container.Roles is not ["edge"] && !container.Where.EndsWith("/log")),
            container =>
            {
                var access = AccessOptions.Read(Configuration(container), []);
                Assert.Equal(File.ReadAllText(Path.Combine(secrets.Folder, "service-key")).Trim(), access.ServiceKey);
                var key = File.ReadAllText(Path.Combine(secrets.Folder, "operator-key")).Trim();
                Assert.Equal(new Caller("operator", AccessRole.Operator), new Keyring(access).Find(key));
            }
        );

    [Fact]
    public void An_edge_holds_no_secret_but_the_one_that_tokens_are_signed_with() =>
        Assert.All(
            Containers().Where(container => container.Roles is ["edge"]),
            container =>
            {
                Assert.Equal("signing-key", Path.GetFileName(Assert.Single(container.SecretFiles).Key));
                Assert.DoesNotContain(container.Environment.Keys, key => key.StartsWith("EVENTSTREAM__ACCESS__"));
                Assert.DoesNotContain(
                    container.Environment.Keys,
                    key => key.Contains("PASSWORD") || key.Contains("POSTGRES__C")
                );
            }
        );

    [Fact]
    public void Every_role_logs_in_to_Kafka() =>
        Assert.All(
            Containers().Where(container => container.Roles is not ["edge"]),
            container =>
            {
                Assert.Equal("ScramSha512", container.Environment["EVENTSTREAM__KAFKA__SASLMECHANISM"]);
                Assert.NotEmpty(container.Environment["EVENTSTREAM__KAFKA__SASLUSERNAME"]);
                Assert.True(
                    container.Environment.ContainsKey("EVENTSTREAM__KAFKA__SASLPASSWORD")
                        || container.SecretFiles.ContainsKey(
                            container.Environment["EVENTSTREAM__KAFKA__SASLPASSWORDFILE"]
                        )
                );
            }
        );

    [Fact]
    public void Secrets_are_made_once()
    {
        var before = File.ReadAllText(Path.Combine(secrets.Folder, "signing-key"));

        secrets.Run();

        Assert.Equal(before, File.ReadAllText(Path.Combine(secrets.Folder, "signing-key")));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            new DirectoryInfo(secrets.Folder).UnixFileMode
        );
    }

    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("dashboard.json")]
    public void Every_metric_that_is_watched_is_one_that_a_role_exports(string file)
    {
        var source = string.Join('\n', Checkout.SourceFiles().Where(IsProduct).Select(File.ReadAllText));
        var exported = Instrument()
            .Matches(source)
            .Select(match => match.Groups["name"].Value.Replace('.', '_'))
            .ToHashSet(StringComparer.Ordinal);
        var watched = Metric()
            .Matches(Manifests.Monitoring(file))
            .Select(match => Suffix().Replace(match.Value, ""))
            .Distinct(StringComparer.Ordinal)
            .ToList();

        Assert.NotEmpty(watched);
        Assert.All(watched, name => Assert.Contains(name, exported));
    }

    [Fact]
    public void The_dashboard_is_JSON_with_a_query_in_each_panel()
    {
        using var dashboard = JsonDocument.Parse(Manifests.Monitoring("dashboard.json"));

        Assert.All(
            dashboard.RootElement.GetProperty("panels").EnumerateArray(),
            panel => Assert.NotEqual(0, panel.GetProperty("targets").GetArrayLength())
        );
    }

    private static void AssertEveryRole(IReadOnlyList<RoleContainer> containers) =>
        Assert.Equal(
            Roles.All().Select(role => role.Name).Except(GroundRoles).Order(StringComparer.Ordinal),
            containers.SelectMany(container => container.Roles).Distinct().Order(StringComparer.Ordinal)
        );

    private void AssertAccepted(IReadOnlyList<RoleContainer> containers) =>
        Assert.All(
            containers,
            container =>
            {
                foreach (var role in Roles.Named(container.Roles))
                {
                    var failure = Record.Exception(() => RoleHost.Build(role, Configuration(container)));
                    Assert.True(failure is null, $"{container.Where}: {failure?.Message}");
                }
            }
        );

    private IEnumerable<RoleContainer> Containers() => Manifests.Compose(secrets).Concat(Manifests.Kubernetes(secrets));

    private IConfiguration Configuration(RoleContainer container) =>
        new ConfigurationBuilder().AddInMemoryCollection(Manifests.Settings(container, folder.FullName)).Build();

    private static bool IsProduct(string file) => !file.Contains("/tests/", StringComparison.Ordinal);

    [GeneratedRegex("\"(?<name>eventstream(\\.[a-z_]+)+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Instrument();

    [GeneratedRegex("eventstream_[a-z_]+", RegexOptions.None, 5000)]
    private static partial Regex Metric();

    /// <summary>What Prometheus appends: unit, and the kind of the series.</summary>
    [GeneratedRegex("(_seconds)?(_total|_bucket|_sum|_count)?$", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Suffix();
}
