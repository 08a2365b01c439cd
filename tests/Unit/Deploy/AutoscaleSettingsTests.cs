using EventStream.Capacity;
using EventStream.Capacity.Models;
using EventStream.Capacity.Scaling;
using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Unit.Tests.Deploy;

/// <summary>
/// With the settings of docker-compose.yml and of the Kubernetes manifests, load that QoE measures becomes a forecast
/// and a decision in Capacity within three minutes.
/// </summary>
public class AutoscaleSettingsTests(DeploymentSecrets secrets) : IClassFixture<DeploymentSecrets>
{
    private static readonly DateTimeOffset Start = TimeProvider.System.GetUtcNow().AddMinutes(-10);

    [Fact]
    public void Compose_forecasts_and_decides() => AssertScales(Manifests.Compose(secrets), "none");

    [Fact]
    public void Kubernetes_forecasts_and_decides() => AssertScales(Manifests.Kubernetes(secrets), "kubernetes");

    /// <summary>The account of the role may scale what the settings name, and nothing else.</summary>
    [Fact]
    public void Kubernetes_lets_capacity_scale_its_targets()
    {
        var targets = Options(Manifests.Kubernetes(secrets)).Capacity.Targets.Select(target => target.Name).ToList();
        var rules = Manifests
            .KubernetesDocuments()
            .Single(document =>
                Manifests.Text(document["kind"]) == "Role"
                && Manifests.Text(document["metadata"]["name"]) == CapacityRole.Name
            )["rules"];
        var allowed = (YamlDotNet.RepresentationModel.YamlSequenceNode)rules[0]["resourceNames"];
        var deployments = Manifests
            .KubernetesDocuments()
            .Where(document => Manifests.Text(document["kind"]) == "Deployment")
            .Select(document => Manifests.Text(document["metadata"]["name"])!)
            .ToList();

        Assert.NotEmpty(targets);
        Assert.Equal(targets, allowed.Select(name => Manifests.Text(name)!));
        Assert.All(targets, target => Assert.Contains(target, deployments));
    }

    private static CapacityRole CapacityRole { get; } = new();

    private static void AssertScales(IReadOnlyList<RoleContainer> containers, string actuator)
    {
        var (qoe, capacity) = Options(containers);
        var target = Assert.Single(capacity.Targets);
        Assert.Equal(actuator, target.Actuator);
        Assert.Equal("viewers", target.Resource);
        Assert.False(capacity.ForecastOnly);

        // What QoE publishes under its settings, from nobody to fifty viewers.
        var loads = new LoadReadModel(capacity, TimeProvider.System, NullLogger<LoadReadModel>.Instance);
        var step = qoe.LoadStepSeconds;
        for (var at = 0.0; at < 180; at += step)
        {
            loads.Take(new LoadMeasured("viewers", Start.AddSeconds(at), step, at < 90 ? 0 : 50, "sessions", 55));
        }

        var series = loads.Find("viewers");
        Assert.NotNull(series);
        Assert.Null(loads.Refusal("viewers"));
        var forecasts = new ForecastService(capacity, new TrainedModels());
        var forecast = forecasts.Forecast(series, CancellationToken.None);
        Assert.True(forecast!.Published.Steps[0].Q99 >= 50);
        var minutes = series.Fast;
        Assert.NotNull(minutes.LastComplete);
        var ahead = forecasts.Peak("viewers", minutes, target.StartupSteps + 1, target.Level, CancellationToken.None);
        var advice = ScalingRules
            .Find(target.Rule)!
            .Decide(new ScalingInput(target, target.MinReplicas, minutes.Maxima.Span[^1], ahead, []));
        Assert.Equal(
            Math.Clamp(target.Needed(Math.Max(ahead, 55)), target.MinReplicas, target.MaxReplicas),
            advice.Desired
        );
    }

    private static (QoeOptions Qoe, CapacityOptions Capacity) Options(IReadOnlyList<RoleContainer> containers) =>
        (
            QoeOptions.Read(Configuration(containers, "qoe"), []),
            CapacityOptions.Read(Configuration(containers, "capacity"), [])
        );

    private static IConfiguration Configuration(IReadOnlyList<RoleContainer> containers, string role) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                containers
                    .Single(container => container.Roles.Contains(role))
                    .Environment.Select(pair =>
                        KeyValuePair.Create<string, string?>(
                            pair.Key["EVENTSTREAM__".Length..].Replace("__", ":"),
                            pair.Value
                        )
                    )
            )
            .Build();
}
