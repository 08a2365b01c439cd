namespace EventStream.Capacity.Scaling;

/// <summary>
/// What the autoscaler scales through: knows how many replicas of a workload run and changes their number.
/// </summary>
public interface IActuator
{
    /// <summary>The name that selects it in the settings of a target.</summary>
    string Name { get; }

    /// <summary>
    /// Replicas asked for at present, or null where it cannot be known. Throws <see cref="ActuatorException"/>.
    /// </summary>
    Task<int?> CurrentAsync(string target, CancellationToken cancellation);

    /// <summary>
    /// Asks for a number of replicas and returns what the other side accepted. <paramref name="reason"/> goes to its
    /// log. Throws <see cref="ActuatorException"/> when it refused or could not be reached.
    /// </summary>
    Task<int> ScaleAsync(string target, int replicas, string reason, CancellationToken cancellation);
}

/// <summary>The actuator refused, or could not be reached. The message names it and says why.</summary>
public sealed class ActuatorException(string actuator, string message, Exception? inner = null)
    : Exception($"{actuator}: {message}", inner);

/// <summary>The names of the actuators.</summary>
public static class Actuators
{
    /// <summary>Every name that a target may choose.</summary>
    public static readonly IReadOnlyList<string> Names = ["supervisor", "kubernetes", "none"];
}

/// <summary>Changes nothing: for a target that is only watched until its forecasts are trusted.</summary>
public sealed class NoActuator : IActuator
{
    public string Name => "none";

    public Task<int?> CurrentAsync(string target, CancellationToken cancellation) => Task.FromResult<int?>(null);

    public Task<int> ScaleAsync(string target, int replicas, string reason, CancellationToken cancellation) =>
        throw new ActuatorException(Name, $"'{target}' has no actuator; set Actuator to supervisor or kubernetes.");
}
