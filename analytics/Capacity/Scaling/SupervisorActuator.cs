using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStream.Capacity.Scaling;

/// <summary>What the supervisor says of a target it runs.</summary>
public sealed record SupervisorScale(string Target, int Replicas, int Min, int Max);

/// <summary>What is asked of the supervisor.</summary>
public sealed record SupervisorScaleRequest(int Replicas, string Reason);

/// <summary>A refusal, RFC 9457.</summary>
internal sealed record ProblemBody(string? Title, string? Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SupervisorScale))]
[JsonSerializable(typeof(SupervisorScaleRequest))]
[JsonSerializable(typeof(ProblemBody))]
internal sealed partial class ActuatorJson : JsonSerializerContext;

/// <summary>
/// Scales processes on one machine through the supervisor: <c>GET</c> and <c>PUT /v1/scale/{target}</c>. The client
/// carries the supervisor's address and the time-out.
/// </summary>
public sealed class SupervisorActuator(HttpClient client) : IActuator
{
    public string Name => "supervisor";

    public async Task<int?> CurrentAsync(string target, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path(target));
        return (await SendAsync(request, cancellation)).Replicas;
    }

    public async Task<int> ScaleAsync(string target, int replicas, string reason, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Path(target))
        {
            Content = JsonContent.Create(
                new SupervisorScaleRequest(replicas, reason),
                ActuatorJson.Default.SupervisorScaleRequest
            ),
        };
        return (await SendAsync(request, cancellation)).Replicas;
    }

    private static string Path(string target) => $"v1/scale/{Uri.EscapeDataString(target)}";

    private async Task<SupervisorScale> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            using var response = await client.SendAsync(request, cancellation);
            if (!response.IsSuccessStatusCode)
            {
                var said = ActuatorHttp.Short(Sentence(await response.Content.ReadAsStringAsync(cancellation)));
                var status = (int)response.StatusCode;
                throw new ActuatorException(Name, $"{request.Method} {request.RequestUri} answered {status}: {said}");
            }

            return await response.Content.ReadFromJsonAsync(ActuatorJson.Default.SupervisorScale, cancellation)
                ?? throw new ActuatorException(Name, $"{request.Method} {request.RequestUri} answered null.");
        }
        catch (Exception e) when (ActuatorHttp.IsTransport(e, cancellation))
        {
            throw new ActuatorException(Name, $"{request.Method} {request.RequestUri} failed: {e.Message}", e);
        }
    }

    /// <summary>What problem details say, or the body itself where it holds none.</summary>
    private static string Sentence(string body)
    {
        try
        {
            var problem = JsonSerializer.Deserialize(body, ActuatorJson.Default.ProblemBody);
            return $"{problem?.Title} {problem?.Detail}".Trim() is { Length: > 0 } text ? text : body;
        }
        catch (JsonException)
        {
            return body;
        }
    }
}

/// <summary>What the actuators share of HTTP.</summary>
internal static class ActuatorHttp
{
    /// <summary>Longest piece of a foreign error body that is passed on.</summary>
    private const int BodyLengthMax = 200;

    public static bool IsTransport(Exception e, CancellationToken cancellation) =>
        e is HttpRequestException or JsonException
        || (e is OperationCanceledException && !cancellation.IsCancellationRequested);

    public static string Short(string body) => body.Length > BodyLengthMax ? body[..BodyLengthMax] : body;
}
