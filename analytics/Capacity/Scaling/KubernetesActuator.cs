using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStream.Capacity.Scaling;

internal sealed record ScaleSpec(int Replicas);

/// <summary>The <c>Scale</c> subresource of autoscaling/v1, as far as it is used.</summary>
internal sealed record ScaleObject(ScaleSpec? Spec);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ScaleObject))]
internal sealed partial class KubernetesJson : JsonSerializerContext;

/// <summary>
/// Scales deployments through the Kubernetes API: <c>GET</c> and merge-<c>PATCH</c> of the <c>scale</c> subresource of
/// apps/v1. The service account's token is read for each call, because the kubelet rotates it.
/// </summary>
public sealed class KubernetesActuator(HttpClient client, string ns, Func<string?> token) : IActuator
{
    private const string Account = "/var/run/secrets/kubernetes.io/serviceaccount";

    public string Name => "kubernetes";

    /// <summary>
    /// The actuator of a pod, from the service account that Kubernetes mounts. Throws <see cref="ActuatorException"/>
    /// where there is none.
    /// </summary>
    public static KubernetesActuator InCluster(TimeSpan timeout)
    {
        var host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        var port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT") ?? "443";
        if (string.IsNullOrEmpty(host) || !File.Exists($"{Account}/token"))
        {
            throw new ActuatorException(
                "kubernetes",
                "this process does not run in a pod with a service account; set Actuator to supervisor or none.");
        }

        if (host.Contains(':')) host = $"[{host}]";
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile($"{Account}/ca.crt");
        var client = new HttpClient(Trusting(roots), disposeHandler: true)
        {
            BaseAddress = new Uri($"https://{host}:{port}/"),
            Timeout = timeout,
        };
        return new KubernetesActuator(
            client, File.ReadAllText($"{Account}/namespace").Trim(), () => File.ReadAllText($"{Account}/token").Trim());
    }

    public async Task<int?> CurrentAsync(string target, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path(target));
        return await SendAsync(request, cancellation);
    }

    public async Task<int> ScaleAsync(string target, int replicas, string reason, CancellationToken cancellation)
    {
        var patch =
            JsonSerializer.Serialize(new ScaleObject(new ScaleSpec(replicas)), KubernetesJson.Default.ScaleObject);
        using var request = new HttpRequestMessage(HttpMethod.Patch, Path(target))
        {
            Content = new StringContent(patch, Encoding.UTF8, "application/merge-patch+json"),
        };
        return await SendAsync(request, cancellation);
    }

    /// <summary>Trusts the cluster's own authority and no other.</summary>
    private static SocketsHttpHandler Trusting(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(roots);
        return new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
    }

    private string Path(string target) =>
        $"apis/apps/v1/namespaces/{Uri.EscapeDataString(ns)}/deployments/{Uri.EscapeDataString(target)}/scale";

    private async Task<int> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            if (token() is { } bearer) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using var response = await client.SendAsync(request, cancellation);
            if (!response.IsSuccessStatusCode)
            {
                throw new ActuatorException(Name, await ActuatorHttp.RefusalAsync(request, response, cancellation));
            }

            var body = await response.Content.ReadAsStringAsync(cancellation);
            // The API leaves replicas out where it is zero.
            return JsonSerializer.Deserialize(body, KubernetesJson.Default.ScaleObject)?.Spec?.Replicas ?? 0;
        }
        catch (Exception e) when (ActuatorHttp.IsTransport(e, cancellation) || e is IOException)
        {
            throw new ActuatorException(Name, $"{request.Method} {request.RequestUri} failed: {e.Message}", e);
        }
    }
}
