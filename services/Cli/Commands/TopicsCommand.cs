using System.CommandLine;
using Confluent.Kafka;
using EventStream.Cli.Supervisor;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Cli.Commands;

/// <summary>
/// <c>eventstream topics list|create|check</c>: the map of the topics, making it so on a broker, and comparing it with
/// what is there.
/// </summary>
internal static class TopicsCommand
{
    private static readonly Option<string?> Kafka = CommandLine.Optional<string?>(
        "--kafka",
        "Bootstrap address of the broker; EVENTSTREAM__KAFKA__BOOTSTRAP otherwise.",
        "HOST:PORT"
    );

    private static readonly Option<string?> Data = CommandLine.Optional<string?>(
        "--data",
        "Data folder of a running platform: the topics of its broker, with its credentials.",
        "DIR"
    );

    public static Command Build()
    {
        var list = new Command("list", "Print every topic with key, writers, readers, partitions and retention.");
        list.SetAction(_ => List());
        var create = CommandLine.Verb(
            "create",
            "Create the topics that are missing; report those that differ.",
            [Kafka, Data],
            CreateAsync
        );
        var check = CommandLine.Verb(
            "check",
            "Compare the topics with the broker's: partitions, replicas, cleanup policy, retention. "
                + "Fails on a difference.",
            [Kafka, Data],
            CheckAsync
        );
        return new Command("topics", "The topics of the platform.") { list, create, check };
    }

    private static void List()
    {
        foreach (var topic in Topics.All)
        {
            var kept = topic.Retention is { } time ? $"{time.TotalDays:0} days" : "always";
            System.Console.WriteLine(
                $"{topic.Name, -22} {topic.Partitions, 3} partitions, kept {kept, -8}  key: {topic.Key}; "
                    + $"{topic.Writers} -> {topic.Readers}"
            );
        }
    }

    private static Task<int> CreateAsync(ParseResult parsed, CancellationToken cancellation) =>
        WithAdminAsync(
            parsed,
            async (admin, bootstrap) =>
            {
                var differences = await admin.EnsureAsync(Topics.All, cancellation);
                foreach (var difference in differences)
                    await System.Console.Error.WriteLineAsync(difference.ToString());
                System.Console.WriteLine($"{Topics.All.Count} topics are at {bootstrap}");
                return differences.Count == 0 ? 0 : CommandLine.Failure;
            }
        );

    private static Task<int> CheckAsync(ParseResult parsed, CancellationToken cancellation) =>
        WithAdminAsync(
            parsed,
            async (admin, bootstrap) =>
            {
                var report = await admin.CompareAsync(Topics.All, cancellation);
                foreach (var topic in report.Missing)
                    System.Console.WriteLine($"- {topic.Name} is missing; `eventstream topics create` makes it");
                foreach (var difference in report.Differences)
                {
                    System.Console.WriteLine(
                        $"~ {difference.Topic} {difference.Setting}: {difference.Actual} -> {difference.Wanted}; "
                            + difference.Remedy
                    );
                }

                var whole = report.Missing.Count + report.Differences.Count == 0;
                if (whole)
                    System.Console.WriteLine($"{Topics.All.Count} topics at {bootstrap} are as the contracts say");
                return whole ? 0 : CommandLine.Failure;
            }
        );

    private static async Task<int> WithAdminAsync(ParseResult parsed, Func<TopicAdmin, string, Task<int>> work)
    {
        var overrides = new Dictionary<string, string?>();
        if (parsed.GetValue(Data) is { } folder)
        {
            var data = new DataFolder(folder);
            var run = RunFile.Read(data) ?? throw new CommandException($"No platform runs in '{data.Root}'.");
            overrides = KafkaAccess.Of(data, run).ClientSettings();
        }

        if (parsed.GetValue(Kafka) is { } named)
            overrides["Kafka:Bootstrap"] = named;
        var options = RoleOptions.Read("topics", RoleHost.ReadConfiguration(overrides: overrides), KafkaOptions.Read);
        try
        {
            return await work(new TopicAdmin(options, NullLogger<TopicAdmin>.Instance), options.Bootstrap);
        }
        catch (KafkaException e)
        {
            throw new CommandException($"Kafka at {options.Bootstrap} does not answer: {e.Error.Reason}.", e);
        }
    }
}
