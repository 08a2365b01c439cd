using System.Diagnostics;
using System.Globalization;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Forecasting;

/// <summary>
/// A machine whose OpenMP runtime does not load: training is off, with the remedy, and every other member works.
/// </summary>
public sealed class MissingLibraryTests : IDisposable
{
    private const int Steps = 4100;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-library-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Without_libgomp1_the_backtest_names_the_remedy_and_goes_on_with_the_other_members()
    {
        // The loader takes the first file of that name and refuses it, as it refuses one that is away.
        File.WriteAllText(Path.Combine(folder.FullName, "libgomp.so.1"), "");
        var series = Path.Combine(folder.FullName, "series.csv");
        File.WriteAllText(series, Rows());
        var start = new ProcessStartInfo(EventStreamProcess.Program, ["capacity", "backtest", series])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            Environment = { ["LD_LIBRARY_PATH"] = folder.FullName },
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("apt-get install libgomp1", await error);
        Assert.Contains("series 24h", await output);
        Assert.Contains("ridge", await output);
        Assert.DoesNotContain("gboost", await output);
    }

    private static string Rows()
    {
        var start = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var rows = Enumerable
            .Range(0, Steps)
            .Select(i =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{start.AddHours(i):yyyy-MM-ddTHH:mm:ssZ},{100 + (50 * Math.Sin(2 * Math.PI * i / 24)) + (i % 5)}"
                )
            );
        return "timestamp,value\n" + string.Join('\n', rows);
    }
}
