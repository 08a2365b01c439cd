using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Encode.Programs;
using EventStream.Encode.Worker;
using EventStream.Hosting;
using EventStream.Hosting.OpenApi;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Encode;

/// <summary>
/// The role <c>encode-worker</c>: one process, one encode at a time. As many run as there is work; the autoscaler
/// starts and stops them.
/// </summary>
public sealed class EncodeWorkerRole : IRole
{
    /// <summary>The workers' consumer group; that of the first lane is followed by <c>-first</c>.</summary>
    public const string Group = "encode-workers";

    private const string FirstGroup = Group + "-first";

    public string Name => "encode-worker";

    public string Summary => "encodes and packages one rung at a time with ffmpeg and shaka-packager";

    public int DefaultPort => 0;

    public void Configure(WebApplicationBuilder builder)
    {
        var options = EncodeOptions.From(builder.Configuration, Name);
        var services = builder.Services;
        services.AddSingleton(options);
        AddWork(services, builder.Configuration, options, Name);
        services.AddSingleton<EncodeWorker>();
        // Registered before the consumers, so that it stops after them.
        services.AddHostedService(provider => provider.GetRequiredService<EncodeWorker>());
        services.AddTopics(Topics.EncodeCommandsFirst, Topics.EncodeCommands, Topics.EncodeEvents);
        AddLane(services, FirstGroup, Topics.EncodeCommandsFirst, firstLane: true);
        AddLane(services, Group, Topics.EncodeCommands, firstLane: false);
    }

    public void Map(WebApplication app)
    {
        var worker = app.Services.GetRequiredService<EncodeWorker>();
        app.Lifetime.ApplicationStopping.Register(worker.BeginStop);
        app.MapGet("/v1/worker", () => TypedResults.Ok(worker.View)).Describe("What this worker does now.");
    }

    private static void AddWork(
        IServiceCollection services,
        IConfiguration configuration,
        EncodeOptions options,
        string role
    )
    {
        var (ffmpeg, ffprobe, packager) = FindTools(configuration, role);
        services.AddMediaStore(configuration);
        var programs = new ProgramOptions { QuietMax = options.ProgramQuietMax, Niceness = options.Niceness };
        services.AddSingleton(provider => new ProgramRunner(programs, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new FfmpegRunner(
            ffmpeg,
            options.WorkFolder,
            programs,
            provider.GetRequiredService<TimeProvider>()
        ));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<SourceReader>(provider, ffprobe));
        services.AddSingleton(provider => new Packager(packager, provider.GetRequiredService<ProgramRunner>()));
        services.AddSingleton<TaskWork>();
        services.AddSingleton(provider => new TaskLeases(
            provider.GetRequiredService<IMediaStore>(),
            options.WorkerId,
            provider.GetRequiredService<TimeProvider>()
        ));
    }

    private static (string Ffmpeg, string Ffprobe, string Packager) FindTools(IConfiguration configuration, string role)
    {
        try
        {
            return (
                Tools.Program(configuration, "ffmpeg", "ffmpeg"),
                Tools.Program(configuration, "ffprobe", "ffmpeg"),
                Tools.Npm(configuration, "shaka-packager/bin/packager-linux-x64")
            );
        }
        catch (MissingToolException e)
        {
            throw new RoleConfigurationException(role, e.Message);
        }
    }

    /// <summary>
    /// Every partition may hold a command at the limiter; only one of them works. Few records are fetched ahead, since
    /// what waits in one worker cannot be taken by another.
    /// </summary>
    private static void AddLane(IServiceCollection services, string group, Topic topic, bool firstLane) =>
        services.AddEventConsumer(
            new ConsumerOptions(group, [topic])
            {
                ConcurrencyMax = topic.Partitions,
                QueueDepthMax = 4,
                // A task goes on when its partition goes; nothing is gained by waiting for it.
                DrainTimeout = TimeSpan.Zero,
                // Only a broker that is away makes a command fail here; it is worth waiting for.
                RetriesMax = 10,
            },
            (provider, message, cancellation) =>
                provider.GetRequiredService<EncodeWorker>().HandleAsync(message, firstLane, cancellation)
        );
}
