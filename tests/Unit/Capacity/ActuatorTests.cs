using EventStream.Capacity.Scaling;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EventStream.Unit.Tests.Capacity;

public sealed class ActuatorTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-actuators-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task The_supervisor_is_asked_and_told_over_http()
    {
        var replicas = 2;
        var reasons = new List<string>();
        await using var server = await Server.StartAsync(app =>
        {
            app.MapGet(
                "/v1/scale/{target}",
                (string target) =>
                    Results.Json(
                        new
                        {
                            target,
                            replicas,
                            min = 1,
                            max = 4,
                        }
                    )
            );
            app.MapPut(
                "/v1/scale/{target}",
                (string target, SupervisorScaleRequest wanted) =>
                {
                    replicas = wanted.Replicas;
                    reasons.Add(wanted.Reason);
                    return Results.Json(
                        new
                        {
                            target,
                            replicas,
                            min = 1,
                            max = 4,
                        }
                    );
                }
            );
        });
        var actuator = new SupervisorActuator(server.Client);
        Assert.Equal(2, await actuator.CurrentAsync("encode-workers", CancellationToken.None));
        Assert.Equal(3, await actuator.ScaleAsync("encode-workers", 3, "More viewers come.", CancellationToken.None));
        Assert.Equal(["More viewers come."], reasons);
    }

    [Fact]
    public async Task A_problem_of_the_supervisor_becomes_a_sentence()
    {
        await using var server = await Server.StartAsync(app =>
            app.MapPut(
                "/v1/scale/{target}",
                () => Results.Problem("'encode-workers' runs at most 4.", statusCode: 409, title: "Too many replicas")
            )
        );
        var e = await Assert.ThrowsAsync<ActuatorException>(() =>
            new SupervisorActuator(server.Client).ScaleAsync("encode-workers", 9, "why", CancellationToken.None)
        );
        Assert.Contains("answered 409: Too many replicas 'encode-workers' runs at most 4.", e.Message);
    }

    [Fact]
    public async Task A_supervisor_that_is_away_or_silent_is_an_actuator_error()
    {
        await using var server = await Server.StartAsync(app =>
            app.MapGet(
                "/v1/scale/{target}",
                async (HttpContext context) =>
                {
                    await Task.Delay(Timeout.Infinite, context.RequestAborted);
                    return 0;
                }
            )
        );
        using var impatient = new HttpClient
        {
            BaseAddress = server.Client.BaseAddress,
            Timeout = TimeSpan.FromMilliseconds(200),
        };
        await Assert.ThrowsAsync<ActuatorException>(() =>
            new SupervisorActuator(impatient).CurrentAsync("x", CancellationToken.None)
        );
        using var nowhere = new HttpClient { BaseAddress = new Uri("http://127.0.0.1:9/") };
        await Assert.ThrowsAsync<ActuatorException>(() =>
            new SupervisorActuator(nowhere).CurrentAsync("x", CancellationToken.None)
        );
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled_and_no_error_of_the_actuator()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        using var client = new HttpClient { BaseAddress = new Uri("http://127.0.0.1:9/") };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SupervisorActuator(client).CurrentAsync("x", cancelled.Token)
        );
    }

    [Fact]
    public async Task Kubernetes_gets_a_merge_patch_of_the_scale_with_the_token()
    {
        var seen = new List<string>();
        await using var server = await Server.StartAsync(app =>
            app.Map(
                "/{**path}",
                async (HttpContext context, string path) =>
                {
                    using var reader = new StreamReader(context.Request.Body);
                    seen.Add(
                        $"{context.Request.Method} {path} {context.Request.ContentType} "
                            + $"{context.Request.Headers.Authorization} {await reader.ReadToEndAsync()}".TrimEnd()
                    );
                    return Results.Text(
                        """{"kind":"Scale","apiVersion":"autoscaling/v1","spec":{"replicas":3},"status":{"replicas":1}}"""
                    );
                }
            )
        );
        using var actuator = Actuator(server);
        Assert.Equal(3, await actuator.CurrentAsync("encode-workers", CancellationToken.None));
        Assert.Equal(3, await actuator.ScaleAsync("encode-workers", 3, "why", CancellationToken.None));
        const string Scale = "apis/apps/v1/namespaces/video/deployments/encode-workers/scale";
        Assert.Equal(
            [
                $"GET {Scale}  Bearer of-the-autoscaler",
                $"PATCH {Scale} application/merge-patch+json; charset=utf-8 Bearer of-the-autoscaler "
                    + """{"spec":{"replicas":3}}""",
            ],
            seen
        );
    }

    [Fact]
    public async Task A_scale_of_zero_is_read_where_kubernetes_leaves_it_out_and_a_refusal_is_told()
    {
        await using var server = await Server.StartAsync(app =>
        {
            app.MapGet("/{**path}", () => Results.Text("""{"kind":"Scale","spec":{}}"""));
            app.MapPatch(
                "/{**path}",
                () => Results.Text("""{"kind":"Status","message":"forbidden"}""", statusCode: 403)
            );
        });
        using var actuator = Actuator(server);
        Assert.Equal(0, await actuator.CurrentAsync("encode-workers", CancellationToken.None));
        var e = await Assert.ThrowsAsync<ActuatorException>(() =>
            actuator.ScaleAsync("encode-workers", 1, "why", CancellationToken.None)
        );
        Assert.Contains("answered 403", e.Message);
        Assert.Contains("forbidden", e.Message);
    }

    [Fact]
    public void Outside_a_cluster_the_kubernetes_actuator_says_what_to_do()
    {
        var e = Assert.Throws<ActuatorException>(() => KubernetesActuator.Create(null, TimeSpan.FromSeconds(1)));
        Assert.Contains("Capacity:KubeConfig", e.Message);
        Assert.Contains("set Actuator to supervisor or none", e.Message);
    }

    [Fact]
    public void A_kubeconfig_that_is_not_there_or_is_none_is_named()
    {
        var missing = Assert.Throws<ActuatorException>(() =>
            KubernetesActuator.Create("/nowhere/kubeconfig", TimeSpan.FromSeconds(1))
        );
        Assert.Contains("/nowhere/kubeconfig", missing.Message);
        var file = Path.Combine(folder.FullName, "none");
        File.WriteAllText(file, "contexts: [");
        Assert.Throws<ActuatorException>(() => KubernetesActuator.Create(file, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_kubernetes_api_that_is_silent_is_an_actuator_error_and_a_cancelled_call_is_none()
    {
        await using var server = await Server.StartAsync(app =>
            app.MapGet(
                "/{**path}",
                async (HttpContext context) =>
                {
                    await Task.Delay(Timeout.Infinite, context.RequestAborted);
                    return "";
                }
            )
        );
        using var impatient = Actuator(server, TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAsync<ActuatorException>(() => impatient.CurrentAsync("x", CancellationToken.None));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        using var patient = Actuator(server);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.CurrentAsync("x", cancelled.Token));
    }

    /// <summary>The actuator as a kubeconfig file for this server makes it.</summary>
    private KubernetesActuator Actuator(Server server, TimeSpan? timeout = null)
    {
        var file = Path.Combine(folder.FullName, Guid.NewGuid().ToString("N"));
        File.WriteAllText(
            file,
            $$"""
            apiVersion: v1
            kind: Config
            current-context: here
            contexts: [{ name: here, context: { cluster: test, user: autoscaler, namespace: video } }]
            clusters: [{ name: test, cluster: { server: "{{server.Client.BaseAddress}}" } }]
            users: [{ name: autoscaler, user: { token: of-the-autoscaler } }]
            """
        );
        return KubernetesActuator.Create(file, timeout ?? TimeSpan.FromSeconds(30));
    }

    /// <summary>A real HTTP server on a free loopback port.</summary>
    private sealed class Server(WebApplication app, HttpClient client) : IAsyncDisposable
    {
        public HttpClient Client => client;

        public static async Task<Server> StartAsync(Action<WebApplication> map)
        {
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            map(app);
            await app.StartAsync();
            return new Server(app, new HttpClient { BaseAddress = new Uri(app.Urls.First() + "/") });
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }
}
