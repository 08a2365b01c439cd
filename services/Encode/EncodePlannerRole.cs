using EventStream.Contracts;
using EventStream.Encode.Ladder;
using EventStream.Encode.Planner;
using EventStream.EventStore;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Encode;

/// <summary>
/// The role <c>encode</c>: turns an uploaded source into tasks for the workers and follows each to its end. Several
/// may run: the store decides between them, and one of them relays.
/// </summary>
public sealed class EncodePlannerRole : IRole
{
    /// <summary>The planner's consumer group.</summary>
    public const string Group = "encode-planner";

    /// <summary>The consumer group that learns of viewers.</summary>
    public const string ViewersGroup = Group + "-viewers";

    public string Name => "encode";

    public string Summary => "plans the ladder of each uploaded video and follows its encode tasks";

    public void Configure(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var options = services.AddRoleOptions(builder.Configuration, EncodeOptions.Read);
        services.AddSingleton(all => ActivatorUtilities.CreateInstance<GroupHosts>(all, EncodeWorkerRole.Group));
        services.AddSingleton<Func<JobRules>>(all => () => Rules(options, all.GetRequiredService<GroupHosts>()));
        List<Topic> topics =
        [
            Topics.VideoEvents,
            Topics.EncodeEvents,
            Topics.EncodeCommandsFirst,
            Topics.EncodeCommands,
            Topics.TrafficLoad,
        ];
        if (options.OnRequestAbove > 0)
            topics.Add(Topics.QoeSessions);
        services.AddTopics([.. topics]);
        services.AddServiceStore(builder.Configuration, EncodeStore.Service);
        services
            .AddSingleton<TaskHeartbeats>()
            .AddSingleton<FirstLane>()
            .AddSingleton<LanePace>()
            .AddSingleton<RungDemand>()
            .AddSingleton<JobQueue>()
            .AddSingleton<JobProcess>();
        services.AddSingleton<StalledTaskMonitor>();
        services.AddHostedService(provider => provider.GetRequiredService<StalledTaskMonitor>());
        services.AddHostedService<LaneLoad>();
        services.AddEventConsumer(
            new ConsumerOptions(Group, [Topics.VideoEvents, Topics.EncodeEvents]),
            (provider, message, cancellation) =>
                provider.GetRequiredService<JobProcess>().HandleAsync(message, cancellation)
        );
        if (options.OnRequestAbove > 0)
            AddRungsOnRequest(services);
    }

    public void Map(WebApplication app) => app.MapJobs();

    private static void AddRungsOnRequest(IServiceCollection services)
    {
        services.AddSingleton<RungsOnRequest>();
        services.AddHostedService(provider => provider.GetRequiredService<RungsOnRequest>());
        services.AddEventConsumer(
            new ConsumerOptions(ViewersGroup, [Topics.QoeSessions]),
            (provider, message, cancellation) =>
                provider.GetRequiredService<RungsOnRequest>().HandleAsync(message, cancellation)
        );
    }

    private static JobRules Rules(EncodeOptions options, GroupHosts workers) =>
        new(
            LadderPolicies.Find(options.Ladder)!,
            options.SegmentSeconds,
            options.MaxAttempts,
            options.AudioBitsPerSecond,
            TaskPerRung: workers.Count >= options.SpreadFrom,
            HighRange: options.HighRange,
            OnRequestAbove: options.OnRequestAbove,
            Chunks: new ChunkRules(options.ChunkFromSeconds, options.ChunkSeconds),
            Further: CodecLadder.Further(options.Ladders)
        );
}
