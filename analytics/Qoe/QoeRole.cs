using System.Text.Json;
using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using EventStream.Qoe.Sessions;
using EventStream.Streams;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Qoe;

/// <summary>
/// Computes quality of experience. <c>GET /v1/sessions/{sessionId}</c> is the live quality of a session of this
/// instance, <c>GET /v1/status</c> the state of the stream, <c>GET /v1/topology</c> its description.
/// </summary>
public sealed class QoeRole : IRole
{
    public string Name => "qoe";

    public string Summary => "turns beacons and CDN logs into sessions, windows, alerts and load";

    public void Configure(WebApplicationBuilder builder)
    {
        builder.Services.AddRoleOptions(builder.Configuration, QoeOptions.Read);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        });
        builder.Services.AddSingleton(services => Streams(services.GetRequiredService<QoeOptions>()));
        builder.Services.AddSingleton<Func<StreamScope, Topology>>(services =>
            scope => QoeTopology.Build(services.GetRequiredService<QoeOptions>(), scope)
        );
        builder.Services.AddSingleton<StreamHost>();
        builder.Services.AddSingleton<StreamWatch>();
        builder.Services.AddTopics(
            Topics.PlaybackBeacons,
            Topics.CdnRequests,
            Topics.QoeSessions,
            Topics.QoeWindows,
            Topics.QoeAlerts,
            Topics.TrafficLoad,
            Topics.DeadLetters
        );
        builder.Services.AddSingleton<IHostedService>(services => services.GetRequiredService<StreamHost>());
        builder.Services.AddNeededTopics(services => services.GetRequiredService<StreamHost>().NeededTopics);
        builder.Services.AddReadinessWarning(
            "internal topics",
            services => services.GetRequiredService<StreamHost>().FewReplicas
        );
        builder.Services.AddReadiness(
            "stream",
            (services, _) =>
                Task.FromResult(
                    services.GetRequiredService<StreamWatch>().Judge(services.GetRequiredService<StreamHost>().Status)
                )
        );
    }

    public void Map(WebApplication app)
    {
        app.MapGet("/v1/sessions/{sessionId}", GetSession)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The live quality of experience of a session that this instance computes.", 404)
            .Answers(200);
        app.MapGet("/v1/status", (StreamHost stream) => TypedResults.Ok(stream.Status))
            .RequireAuthorization(Policies.Operate)
            .Describe("The state of the stream.");
        app.MapGet("/v1/topology", (StreamHost stream) => TypedResults.Text(stream.Describe()))
            .RequireAuthorization(Policies.Operate)
            .Describe("The topology, as text.");
    }

    private static IResult GetSession(string sessionId, StreamHost stream) =>
        stream.Find<string, SessionState>(SessionProcessor.Store, sessionId) is { } state
            ? TypedResults.Json(SessionProcessor.View(state), QoeJson.Default.SessionUpdated)
            : TypedResults.Problem(
                statusCode: StatusCodes.Status404NotFound,
                title: "The session is not known",
                detail: $"No report of '{sessionId}' is in the state of this instance: it ended some time ago, "
                    + "its reports have not arrived, or another instance has it. Finished ones are in the warehouse."
            );

    private static StreamsOptions Streams(QoeOptions options) =>
        new()
        {
            ApplicationId = options.ApplicationId,
            InstanceId = options.InstanceId,
            ProcessingGuarantee = options.ProcessingGuarantee,
            CommitInterval = TimeSpan.FromMilliseconds(options.CommitIntervalMs),
            Threads = options.Threads,
            IdleAdvance = options.IdleAdvanceSeconds > 0 ? TimeSpan.FromSeconds(options.IdleAdvanceSeconds) : null,
        };
}
