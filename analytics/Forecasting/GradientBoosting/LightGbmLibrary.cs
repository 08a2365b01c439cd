using System.Runtime.InteropServices;
using Microsoft.ML.Trainers.LightGbm;

namespace EventStream.Forecasting.GradientBoosting;

/// <summary>
/// LightGBM's native library, which training needs and scoring does not. It depends on the OpenMP runtime of the
/// system, which a small image may lack.
/// </summary>
public static class LightGbmLibrary
{
    private static readonly Lazy<string?> Probe = new(Load);

    /// <summary>Why models cannot be trained on this machine, with the remedy, or null where they can.</summary>
    public static string? Fault => Probe.Value;

    private static string? Load()
    {
        try
        {
            NativeLibrary.Load("lib_lightgbm", typeof(LightGbmRegressionTrainer).Assembly, searchPath: null);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            var cause =
                e.Message.Split('\n').FirstOrDefault(line => line.Contains("libgomp", StringComparison.Ordinal))
                ?? e.Message.Split('\n')[0];
            return "gradient boosting is off, because LightGBM's library does not load: install libgomp1 "
                + $"(apt-get install libgomp1) and start again ({cause.Trim()})";
        }
    }
}
