using EventStream.Tests.Integration.Streams.Faults;

namespace EventStream.Tests.Integration.Broker.Faults;

/// <summary>
/// The entry point of the test assembly, by which a crash run starts its clients: each in a process of its own, so
/// that it can be killed. What a client has been told by the broker it writes to its standard output, one line a fact,
/// and it ends when its standard input does.
/// </summary>
internal static class FaultProgram
{
    /// <summary>A client that was told that another has taken its place.</summary>
    public const int Fenced = 4;

    /// <summary>A client that met an error that it does not get over: it is started again.</summary>
    private const int Failed = 3;

    public static int Main(string[] arguments)
    {
        if (arguments is not [var role, var bootstrap, .. var more])
        {
            System.Console.Error.WriteLine("These are tests; run them with `dotnet test`.");
            return 2;
        }
        using var stop = new CancellationTokenSource();
        var input = new Thread(() =>
        {
            while (System.Console.In.ReadLine() is not null)
            {
                // Nothing is ever said; the end is what counts.
            }
            stop.Cancel();
        })
        { IsBackground = true };
        input.Start();
        try
        {
            Run(role, bootstrap, more, stop.Token);
            return 0;
        }
        catch (Confluent.Kafka.KafkaException e) when (End(role, e))
        {
            return Failed;
        }
    }

    /// <summary>Ends the process where the error is met, before anything is taken leave of in good order.</summary>
    private static bool End(string role, Confluent.Kafka.KafkaException e)
    {
        System.Console.Error.WriteLine($"{role}: {e.Error.Code} {e.Error.Reason}");
        Environment.Exit(e.Error.IsFatal ? Fenced : Failed);
        return true;
    }

    private static void Run(string role, string bootstrap, string[] more, CancellationToken stop)
    {
        switch (role)
        {
            case "produce":
                ProducerClient.Run(bootstrap, topic: more[0], name: more[1], partition: int.Parse(more[2]), stop);
                break;
            case "transfer":
                TransferClient.Run(bootstrap, topic: more[0], name: more[1], run: more[2], stop);
                break;
            case "chain":
                new ChainClient(bootstrap, source: more[0], target: more[1], name: more[2]).Run(stop);
                break;
            case "consume":
                ConsumerClient.Run(bootstrap, topic: more[0], stop);
                break;
            case "count":
                CountProgram.Run(bootstrap, instance: more[0], CountSettings.Of(more[1]), stop);
                break;
            default:
                throw new ArgumentException($"There is no client of the role {role}.", nameof(role));
        }
    }
}
