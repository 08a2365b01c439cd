using System.ComponentModel;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
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
/// The role <c>encode-worker</c>: one process, one encode of each lane at a time. As many run as there is work; the
/// autoscaler starts and stops them.
/// </summary>
public sealed class EncodeWorkerRole : IRole
{
    /// <summary>The workers' consumer group; that of the first lane is followed by <c>-first</c>.</summary>
    public const string Group = "encode-workers";

    private const string FirstGroup = Group + "-first";

    public string Name => "encode-worker";

    public string Summary => "encodes and packages one rung at a time with ffmpeg and shaka-packager";

    public void Configure(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var options = services.AddRoleOptions(builder.Configuration, EncodeOptions.Read);
        AddWork(services, builder.Configuration, options);
        services.AddSingleton<EncodeWorker>();
        // Registered before the consumers, so that it stops after them.
        services.AddHostedService(provider => provider.GetRequiredService<EncodeWorker>());
        services.AddTopics(Topics.EncodeCommandsFirst, Topics.EncodeCommands, Topics.EncodeEvents);
        if (options.Takes(EncodeLanes.Fast))
            AddLane(services, FirstGroup, Topics.EncodeCommandsFirst, firstLane: true);
        if (options.Takes(EncodeLanes.Heavy))
            AddLane(services, Group, Topics.EncodeCommands, firstLane: false);
    }

    public void Map(WebApplication app)
    {
        var worker = app.Services.GetRequiredService<EncodeWorker>();
        app.Lifetime.ApplicationStopping.Register(worker.BeginStop);
        app.MapGet("/v1/worker", () => TypedResults.Ok(worker.View)).Describe("What this worker does now.");
    }

    private void AddWork(IServiceCollection services, IConfiguration configuration, EncodeOptions options)
    {
        var (ffmpeg, ffprobe, packager) = FindTools(configuration);
        CheckEncoders(ffmpeg, options);
        services.AddMediaStore(configuration);
        services.AddSingleton(
            new ProgramOptions { QuietMax = options.ProgramQuietMax, Niceness = options.FirstNiceness }
        );
        services.AddSingleton<ProgramRunner>().AddSingleton<TaskWork>().AddSingleton<EncodeCache>();
        services.AddSingleton(new EncodeTools(ffmpeg, packager));
        services.AddSingleton(all => new FfmpegRunner(
            ffmpeg,
            options.WorkFolder,
            all.GetRequiredService<ProgramOptions>(),
            all.GetRequiredService<TimeProvider>(),
            options.Niceness
        ));
        services.AddSingleton(all => ActivatorUtilities.CreateInstance<SourceReader>(all, ffprobe));
        services.AddSingleton(all => ActivatorUtilities.CreateInstance<Packager>(all, packager));
        services.AddSingleton(all => ActivatorUtilities.CreateInstance<TaskLeases>(all, options.WorkerId));
    }

    private (string Ffmpeg, string Ffprobe, string Packager) FindTools(IConfiguration configuration)
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
            throw new RoleConfigurationException(Name, e.Message);
        }
    }

    private void CheckEncoders(string ffmpeg, EncodeOptions options)
    {
        try
        {
            // A role is configured before anything of it runs.
            var missing = Task.Run(() => EncoderCheck.MissingAsync(ffmpeg, options)).GetAwaiter().GetResult();
            if (missing.Count > 0)
                throw new RoleConfigurationException(Name, string.Join(' ', missing));
        }
        catch (Exception e) when (e is ProgramFailedException or Win32Exception or OperationCanceledException)
        {
            throw new RoleConfigurationException(Name, $"{ffmpeg} does not say which encoders it has: {e.Message}");
        }
    }

    /// <summary>
    /// Every partition may hold a command at the limiter; only one of a lane works. Few records are fetched ahead,
    /// since what waits in one worker cannot be taken by another.
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
