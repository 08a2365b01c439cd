using System.Diagnostics;

namespace EventStream.Benchmarks.Streams;

/// <summary>The same count on Kafka Streams: its source is beside this file, its libraries come with Kafka.</summary>
internal static class KafkaStreamsPeer
{
    private const string Source = "WindowCountPeer.java";

    /// <summary>Where it keeps its lock files; the benchmark removes it.</summary>
    public static readonly string StateFolder = Path.Combine(Path.GetTempPath(), "eventstream-bench-peer");

    /// <summary>The folder of the libraries; null where there is no Apache Kafka, or no Java that compiles.</summary>
    public static string? Libraries { get; } = Find();

    public static ProcessStartInfo Start(string bootstrap, string group, string guarantee)
    {
        var kafka = Path.GetDirectoryName(Libraries!)!;
        return new ProcessStartInfo("java")
        {
            ArgumentList =
            {
                "-Xmx1g",
                "-XX:+UseSerialGC",
                $"-Dlog4j2.configurationFile={Path.Combine(kafka, "log4j2-tools.properties")}",
                "-cp",
                Path.Combine(Libraries!, "*"),
                Path.Combine(AppContext.BaseDirectory, "Streams", Source),
                bootstrap,
                StreamInput.Topic,
                group,
                guarantee,
                Path.Combine(StateFolder, group),
            },
        };
    }

    private static string? Find()
    {
        var compiles = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "javac")));
        if (!compiles || ApacheServer.Command is not { } command)
            return null;
        return Path.Combine(Path.GetDirectoryName(command)!, "libs");
    }
}
