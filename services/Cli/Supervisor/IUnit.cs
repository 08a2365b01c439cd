namespace EventStream.Cli.Supervisor;

/// <summary>One part of the platform that the supervisor starts, watches and stops.</summary>
internal interface IUnit
{
    /// <summary>Name in the log, in <c>status</c> and in the console, such as <c>services</c>.</summary>
    string Name { get; }

    /// <summary>The roles it runs; its own name where it is not one of ours.</summary>
    IReadOnlyList<string> Roles { get; }

    /// <summary>
    /// Starts it and returns when it is ready for those that depend on it. Throws <see cref="CommandException"/> with
    /// the cause when it cannot.
    /// </summary>
    Task<IRunningUnit> StartAsync(CancellationToken cancellation);

    /// <summary>What its roles say of themselves while it runs; nothing where it is not one of ours.</summary>
    Task<IReadOnlyList<RoleHealth>> HealthAsync(CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<RoleHealth>>([]);
}

/// <summary>A unit that runs. Disposing it stops it within a bound and returns when its processes are gone.</summary>
internal interface IRunningUnit : IAsyncDisposable
{
    int ProcessId { get; }

    /// <summary>Ends when the process has ended, with a sentence that says how.</summary>
    Task<string> WaitForExitAsync(CancellationToken cancellation);
}
