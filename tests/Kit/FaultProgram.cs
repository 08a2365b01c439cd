namespace EventStream.Tests.Kit;

/// <summary>A client of a fault run: what it does until it is stopped. Arguments are its own.</summary>
public delegate void FaultClient(string bootstrap, string[] arguments, CancellationToken stop);

/// <summary>
/// The entry point of a test assembly, by which a fault run starts its clients: each in a process of its own, so that
/// it can be killed. What the broker acknowledges to a client it writes to its standard output, one line a fact, and it
/// ends when its standard input does.
/// </summary>
public static class FaultProgram
{
    /// <summary>The exit code of a client whose place another has taken.</summary>
    public const int Fenced = 4;

    /// <summary>The exit code after an error that a client cannot recover from: it is started again.</summary>
    private const int Failed = 3;

    /// <summary>Runs the client that <c>ROLE BOOTSTRAP ARGUMENTS...</c> names; returns the exit code.</summary>
    public static int Run(string[] arguments, IReadOnlyDictionary<string, FaultClient> clients)
    {
        if (arguments is not [var role, var bootstrap, .. var more])
        {
            Console.Error.WriteLine("These are tests; run them with `dotnet test`.");
            return 2;
        }

        if (!clients.TryGetValue(role, out var client))
            throw new ArgumentException($"There is no client of the role {role}.", nameof(arguments));
        using var stop = new CancellationTokenSource();
        var input = new Thread(() =>
        {
            while (Console.In.ReadLine() is not null)
            {
                // Nothing is ever written; the end is what counts.
            }

            stop.Cancel();
        })
        {
            IsBackground = true,
        };
        input.Start();
        try
        {
            client(bootstrap, more, stop.Token);
            return 0;
        }
        catch (Confluent.Kafka.KafkaException e) when (End(role, e))
        {
            return Failed;
        }
    }

    /// <summary>Ends the process where the error is met, before anything is closed in good order.</summary>
    private static bool End(string role, Confluent.Kafka.KafkaException e)
    {
        Console.Error.WriteLine($"{role}: {e.Error.Code} {e.Error.Reason}");
        Environment.Exit(e.Error.IsFatal ? Fenced : Failed);
        return true;
    }
}
