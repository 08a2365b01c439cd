using EventStream.Forecasting;
using EventStream.Forecasting.GradientBoosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Capacity.Models;

/// <summary>
/// Trains the gradient-boosted models from the load that the role holds: one resource at a time, on one thread of its
/// own, so that forecasts and decisions go on meanwhile. Reads the kept models at the start.
/// </summary>
public sealed partial class ModelTrainer(
    CapacityOptions options,
    LoadReadModel loads,
    TrainedModels models,
    TimeProvider clock,
    ILogger<ModelTrainer> logger
) : BackgroundService
{
    private readonly ModelFolder? folder = options.ModelFolder is { Length: > 0 } path ? new ModelFolder(path) : null;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (LightGbmLibrary.Fault is { } fault)
            Off(logger, fault);
        await OwnThread(Load, stoppingToken);
        await foreach (var resource in models.Queue.ReadAllAsync(stoppingToken))
        {
            if (loads.Find(resource) is not { } series)
                continue;
            await OwnThread(() => Train(resource, series.Slow, stoppingToken), stoppingToken);
        }
    }

    /// <summary>
    /// Runs on a thread that is nobody else's and returns at once when the role stops: the last fraction of a second
    /// of a training then runs to its end and is thrown away.
    /// </summary>
    private static Task OwnThread(Action work, CancellationToken cancellation) =>
        Task
            .Factory.StartNew(work, cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .WaitAsync(cancellation);

    private void Load()
    {
        if (folder is null)
        {
            InMemory(logger);
            models.LoadedAre([]);
            return;
        }

        try
        {
            var all = folder.Load(options.Season, (file, why) => Refused(logger, file, why));
            Kept(logger, all.Count, options.ModelFolder);
            models.LoadedAre(all);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NotRead(logger, options.ModelFolder, e.Message);
            models.LoadedAre([]);
        }
    }

    private void Train(string resource, LoadView view, CancellationToken cancellation)
    {
        var started = clock.GetTimestamp();
        BoostedModels trained;
        try
        {
            trained = CombinedForecaster.Train(view.Maxima, view.Season, cancellation);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            models.Failed(
                resource,
                $"'{resource}' has no gradient-boosted member: {e.Message}",
                retryAt: view.Maxima.LastStep + view.Season.Hour
            );
            NotTrained(logger, e, resource);
            return;
        }

        models.Trained(resource, trained);
        Trained(logger, resource, view.Maxima.Count, clock.GetElapsedTime(started).TotalSeconds);
        try
        {
            folder?.Save(resource, trained);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            models.Failed(resource, $"models of '{resource}' are in memory only: {e.Message}");
            NotKept(logger, resource, options.ModelFolder, e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Forecasts go on without one member: {Fault}.")]
    private static partial void Off(ILogger logger, string fault);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Trained models are kept in memory only; set Capacity:ModelFolder to keep them over a restart."
    )]
    private static partial void InMemory(ILogger logger);

    [LoggerMessage(Level = LogLevel.Information, Message = "Read the models of {Count} resources from {Folder}.")]
    private static partial void Kept(ILogger logger, int count, string folder);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {File} is trained again: {Why}.")]
    private static partial void Refused(ILogger logger, string file, string why);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Capacity:ModelFolder {Folder} cannot be read, so models are trained again: {Error}"
    )]
    private static partial void NotRead(ILogger logger, string folder, string error);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Trained the gradient-boosted member of '{Resource}' on {Steps} steps in {Seconds:0.0} s."
    )]
    private static partial void Trained(ILogger logger, string resource, int steps, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "'{Resource}' has no gradient-boosted member")]
    private static partial void NotTrained(ILogger logger, Exception e, string resource);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Models of '{Resource}' are not kept in {Folder}: {Error}")]
    private static partial void NotKept(ILogger logger, string resource, string folder, string error);
}
