using System.Globalization;
using k8s;
using k8s.Autorest;
using k8s.Exceptions;
using k8s.Models;

namespace EventStream.Capacity.Scaling;

/// <summary>
/// Scales deployments through the Kubernetes API: reads and merge-patches the <c>scale</c> subresource of apps/v1. In a
/// pod it acts as the pod's service account, whose token the kubelet rotates; elsewhere as a kubeconfig file says.
/// </summary>
public sealed class KubernetesActuator : IActuator, IDisposable
{
    private const string ActuatorName = "kubernetes";

    private readonly Kubernetes client;
    private readonly string ns;

    private KubernetesActuator(KubernetesClientConfiguration configuration, TimeSpan timeout)
    {
        configuration.HttpClientTimeout = timeout;
        client = new Kubernetes(configuration);
        ns = string.IsNullOrEmpty(configuration.Namespace) ? "default" : configuration.Namespace;
    }

    public string Name => ActuatorName;

    /// <summary>
    /// The actuator of a kubeconfig file, with its current context, or of this pod where <paramref name="kubeConfig"/>
    /// is empty. Throws <see cref="ActuatorException"/> where the file is wrong, or this is no pod.
    /// </summary>
    public static KubernetesActuator Create(string? kubeConfig, TimeSpan timeout)
    {
        try
        {
            if (!string.IsNullOrEmpty(kubeConfig))
            {
                return new KubernetesActuator(
                    KubernetesClientConfiguration.BuildConfigFromConfigFile(new FileInfo(kubeConfig)),
                    timeout
                );
            }

            if (KubernetesClientConfiguration.IsInCluster())
                return new KubernetesActuator(KubernetesClientConfiguration.InClusterConfig(), timeout);
        }
        catch (Exception e) when (e is KubeConfigException or IOException or YamlDotNet.Core.YamlException)
        {
            throw new ActuatorException(ActuatorName, $"its settings cannot be read: {e.Message}", e);
        }

        throw new ActuatorException(
            ActuatorName,
            "this process does not run in a pod with a service account; name a file in Capacity:KubeConfig, or set "
                + "Actuator to supervisor or none."
        );
    }

    public Task<int?> CurrentAsync(string target, CancellationToken cancellation) =>
        AskAsync<int?>(
            $"GET the scale of {target}",
            async () =>
                Replicas(
                    await client.AppsV1.ReadNamespacedDeploymentScaleAsync(target, ns, cancellationToken: cancellation)
                ),
            cancellation
        );

    public Task<int> ScaleAsync(string target, int replicas, string reason, CancellationToken cancellation)
    {
        var patch = new V1Patch(
            string.Create(CultureInfo.InvariantCulture, $$$"""{"spec":{"replicas":{{{replicas}}}}}"""),
            V1Patch.PatchType.MergePatch
        );
        return AskAsync(
            $"PATCH the scale of {target}",
            async () =>
                Replicas(
                    await client.AppsV1.PatchNamespacedDeploymentScaleAsync(
                        patch,
                        target,
                        ns,
                        cancellationToken: cancellation
                    )
                ),
            cancellation
        );
    }

    public void Dispose() => client.Dispose();

    /// <summary>The API leaves replicas out where it is zero.</summary>
    private static int Replicas(V1Scale scale) => scale.Spec?.Replicas ?? 0;

    private async Task<T> AskAsync<T>(string what, Func<Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            return await ask();
        }
        catch (HttpOperationException e)
        {
            var said = ActuatorHttp.Short(e.Response.Content ?? "");
            throw new ActuatorException(
                Name,
                $"{what} in namespace {ns} answered {(int)e.Response.StatusCode}: {said}",
                e
            );
        }
        catch (Exception e) when (ActuatorHttp.IsTransport(e, cancellation) || e is IOException)
        {
            throw new ActuatorException(Name, $"{what} in namespace {ns} failed: {e.Message}", e);
        }
    }
}
