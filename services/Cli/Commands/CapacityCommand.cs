using System.CommandLine;
using EventStream.Forecasting;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream capacity backtest FILE...</c>: how well load series would have been forecast.</summary>
public static class CapacityCommand
{
    /// <summary>The verb with its subcommand.</summary>
    public static Command Build()
    {
        var files = new Argument<string[]>("file")
        {
            Description = "Series as timestamp,value with a header line; ISO-8601 times, one row a step.",
            Arity = ArgumentArity.OneOrMore,
        };
        var season = new Option<int?>("--season")
        {
            Description = "Steps in a day, by default 24 hours of the file's step.",
        };
        var backtest = new Command("backtest", "Replays series with rolling origins and prints MASE by model.")
        {
            files,
            season,
        };
        backtest.SetAction(
            (result, cancellation) =>
                Task.Run(
                    () =>
                        BacktestReport.Run(
                            result.GetValue(files)!,
                            System.Console.Out,
                            System.Console.Error,
                            result.GetValue(season),
                            cancellation
                        ),
                    cancellation
                )
        );
        return new Command("capacity", "Looks at forecasts: backtest.") { backtest };
    }
}
