using EventStream.Capacity;
using EventStream.Capacity.Models;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Unit.Tests.Capacity;

/// <summary>Models are trained apart from forecasting: once a request, and kept where that is possible.</summary>
public sealed class ModelTrainerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-models-");
    private readonly Lines lines = new();
    private readonly TrainedModels models = new();

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Without_a_folder_models_are_kept_in_memory_and_the_log_says_so()
    {
        await TrainAsync(new CapacityOptions { SeasonSteps = 96, HorizonSteps = 96 });
        Assert.Contains(lines.All, line => line.Contains("in memory only; set Capacity:ModelFolder"));
        Assert.Empty(models.Trouble);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_costs_the_files_and_not_the_member()
    {
        var blocked = Path.Combine(folder.FullName, "file");
        File.WriteAllText(blocked, "");
        await TrainAsync(
            new CapacityOptions
            {
                SeasonSteps = 96,
                HorizonSteps = 96,
                ModelFolder = Path.Combine(blocked, "models"),
            }
        );
        Assert.Contains("models of 'viewers' are in memory only", Assert.Single(models.Trouble));
    }

    /// <summary>Loads 2,000 steps, asks twice and waits for the model.</summary>
    private async Task TrainAsync(CapacityOptions options)
    {
        var loads = new LoadReadModel(options, TimeProvider.System, NullLogger<LoadReadModel>.Instance);
        var start = DateTimeOffset.UnixEpoch.AddDays(20_000);
        for (var step = 0; step < 2001; step++)
        {
            var value = 100 + (80 * Math.Sin(2 * Math.PI * step / options.SeasonSteps)) + (step % 7);
            loads.Take(
                new LoadMeasured(
                    "viewers",
                    start.AddSeconds(step * options.StepSeconds),
                    options.StepSeconds,
                    value,
                    "sessions"
                )
            );
        }

        using var trainer = new ModelTrainer(options, loads, models, TimeProvider.System, lines);
        await trainer.StartAsync(CancellationToken.None);
        var view = loads.Find("viewers")!.Slow;
        models.Request("viewers", view);
        models.Request("viewers", view);
        await lines.UntilAsync(options.ModelFolder.Length > 0 ? "are not kept" : "Trained the gradient-boosted member");
        await trainer.StopAsync(CancellationToken.None);
        Assert.Equal(view.Maxima.LastStep, models.Find("viewers")!.Forecast.LastStep);
        Assert.Single(lines.All, line => line.Contains("Trained the gradient-boosted member"));
    }

    private sealed class Lines : ILogger<ModelTrainer>
    {
        private readonly List<(string Text, TaskCompletionSource Waiter)> waiters = [];
        private readonly List<string> all = [];

        public IReadOnlyList<string> All
        {
            get
            {
                lock (all)
                    return [.. all];
            }
        }

        public Task UntilAsync(string text)
        {
            lock (all)
            {
                if (all.Exists(line => line.Contains(text, StringComparison.Ordinal)))
                    return Task.CompletedTask;
                var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiters.Add((text, waiter));
                return waiter.Task.WaitAsync(Patience);
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            var line = formatter(state, exception);
            lock (all)
            {
                all.Add(line);
                foreach (var (text, waiter) in waiters)
                {
                    if (line.Contains(text, StringComparison.Ordinal))
                        waiter.TrySetResult();
                }
            }
        }
    }
}
