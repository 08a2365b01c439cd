using EventStream.Journey;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
try
{
    return await Demo.RunAsync(JourneyOptions.Parse(args), stop.Token);
}
catch (JourneyException e)
{
    Console.Error.WriteLine($"\ndemo: {e.Message}");
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    Console.Error.WriteLine("\ndemo: stopped by the user");
    return 130;
}
