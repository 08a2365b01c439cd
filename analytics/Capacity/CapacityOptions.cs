using EventStream.Capacity.Scaling;
using EventStream.Forecasting;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Capacity;

/// <summary>Settings of the role <c>capacity</c>, section <c>Capacity</c>.</summary>
public sealed record CapacityOptions
{
    /// <summary>
    /// Days of load kept for each resource: five weeks to fit, one to calibrate, one to look back from there.
    /// </summary>
    public const int HistoryDaysMax = 49;

    /// <summary>
    /// Load series held at once; a further one is refused, so that a flood of names cannot fill the memory.
    /// </summary>
    public const int ResourcesMax = 64;

    /// <summary>Decisions kept for the console; older ones are in the topic.</summary>
    public const int DecisionsMax = 500;

    /// <summary>Days of minutes kept for each resource: what the scaler's forecast is fitted on.</summary>
    public const int MinutesDaysMax = PeakFit.FitDaysMax + 7;

    /// <summary>
    /// Duration of a step of the day-ahead forecast, seconds. Load comes in the step in which it was measured, which
    /// is in its records and must not be longer than this one.
    /// </summary>
    public double StepSeconds { get; init; } = 300;

    /// <summary>Steps in a day; compressed time has fewer.</summary>
    public int SeasonSteps { get; init; } = 288;

    /// <summary>Steps that a published forecast reaches ahead.</summary>
    public int HorizonSteps { get; init; } = 288;

    /// <summary>Steps between two published forecasts of a resource.</summary>
    public int ForecastEverySteps { get; init; } = 1;

    /// <summary>
    /// Time without a complete minute of load after which the role is not ready and nothing is decided, seconds; 0
    /// means two minutes and a half.
    /// </summary>
    public double NoLoadSeconds { get; init; }

    /// <summary>Decide and publish, and change nothing.</summary>
    public bool ForecastOnly { get; init; }

    /// <summary>Time within which an actuator answers, seconds.</summary>
    public double ActuatorTimeoutSeconds { get; init; } = 5;

    /// <summary>
    /// Folder of the trained models, some 70 KB a resource; empty keeps them in memory, so that they are trained again
    /// after a restart.
    /// </summary>
    public string ModelFolder { get; init; } = "";

    /// <summary>
    /// The kubeconfig file that the actuator <c>kubernetes</c> takes address, namespace and identity from; missing in a
    /// pod, which has a service account.
    /// </summary>
    public string? KubeConfig { get; init; }

    /// <summary>What is scaled.</summary>
    public IReadOnlyList<ScalingTarget> Targets { get; init; } = [];

    /// <summary>The rhythm of every series.</summary>
    public Season Season => new(SeasonSteps, TimeSpan.FromSeconds(StepSeconds));

    /// <summary>Minutes in a step; 1 where a step is no longer than a minute and a half.</summary>
    private int MinutesInStep => Math.Max(1, (int)Math.Round(StepSeconds / 60));

    private double MinuteSeconds => StepSeconds / MinutesInStep;

    /// <summary>
    /// Whether load is kept in minutes beside the steps. A step that is no longer than a minute serves for both.
    /// </summary>
    public bool HasMinutes => MinutesInStep > 1;

    /// <summary>
    /// The rhythm in which scaling is decided: minutes, or rather whole parts of a step that come nearest to one.
    /// </summary>
    public Season Minutes => new(SeasonSteps * MinutesInStep, TimeSpan.FromSeconds(StepSeconds) / MinutesInStep);

    /// <summary>Minutes held for each resource.</summary>
    public int MinutesMax => MinutesDaysMax * Minutes.Day;

    /// <summary>Time without a complete minute of load that is borne.</summary>
    public TimeSpan NoLoad =>
        TimeSpan.FromSeconds(NoLoadSeconds > 0 ? NoLoadSeconds : Math.Max(150, 2.5 * MinuteSeconds));

    /// <summary>Steps held for each resource.</summary>
    public int HistoryStepsMax => HistoryDaysMax * SeasonSteps;

    /// <summary>Time within which an actuator answers.</summary>
    public TimeSpan ActuatorTimeout => TimeSpan.FromSeconds(ActuatorTimeoutSeconds);

    /// <summary>
    /// Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong, and gives the defaults
    /// where there is one.
    /// </summary>
    public static CapacityOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = new SettingsReader(configuration, "Capacity", errors).Bind<CapacityOptions>();
        var wrong = options.Errors().Select(error => $"{error}.").ToList();
        foreach (var error in wrong)
            errors.Add(error);
        return wrong.Count == 0 ? options : new CapacityOptions();
    }

    private IEnumerable<string> Errors()
    {
        (bool IsRight, string Sentence)[] rules =
        [
            (StepSeconds > 0, $"StepSeconds is {StepSeconds}; it must be above 0"),
            (SeasonSteps is >= 2 and <= 86_400, $"SeasonSteps is {SeasonSteps}; it must lie between 2 and 86400"),
            (HorizonSteps >= 1, $"HorizonSteps is {HorizonSteps}; it must be at least 1"),
            (
                HorizonSteps <= SeasonSteps,
                $"HorizonSteps is {HorizonSteps}; it must not exceed SeasonSteps, {SeasonSteps}"
            ),
            (ForecastEverySteps >= 1, $"ForecastEverySteps is {ForecastEverySteps}; it must be at least 1"),
            (ActuatorTimeoutSeconds > 0, $"ActuatorTimeoutSeconds is {ActuatorTimeoutSeconds}; it must be above 0"),
            (
                NoLoadSeconds >= 2 * MinuteSeconds || NoLoadSeconds == 0,
                $"NoLoadSeconds is {NoLoadSeconds}; it must be 0, or at least {2 * MinuteSeconds}"
            ),
        ];
        foreach (var (_, sentence) in rules.Where(rule => !rule.IsRight))
            yield return $"Capacity:{sentence}";
        for (var i = 0; i < Targets.Count; i++)
        {
            foreach (var error in Targets[i].Errors())
                yield return $"Capacity:Targets:{i}:{error}";
            if (Targets[i].StartupSteps >= HorizonSteps)
            {
                yield return $"Capacity:Targets:{i}:StartupSteps is {Targets[i].StartupSteps}; "
                    + $"it must be below HorizonSteps, {HorizonSteps}";
            }
        }

        foreach (var twice in Targets.GroupBy(t => t.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            yield return $"Capacity:Targets names '{twice.Key}' more than once; one target has one scaler";
        }
    }
}
