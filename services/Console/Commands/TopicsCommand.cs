using System.CommandLine;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Console.Commands;

/// <summary><c>eventstream topics list|create</c>: the map of the topics, and making it so on a broker.</summary>
internal static class TopicsCommand
{
    private static readonly Option<string?> Kafka = new("--kafka")
    {
        Description = "Bootstrap address of the broker; EVENTSTREAM__KAFKA__BOOTSTRAP otherwise.",
        HelpName = "HOST:PORT",
    };

    public static Command Build()
    {
        var list = new Command("list", "Print every topic with key, writers, readers, partitions and retention.");
        list.SetAction(_ => List());
        var create = new Command("create", "Create the topics that are missing; report those that differ.") { Kafka };
        create.SetAction(CreateAsync);
        return new Command("topics", "The topics of the platform.") { list, create };
    }

    private static void List()
    {
        foreach (var topic in Topics.All)
        {
            var kept = topic.Retention is { } time ? $"{time.TotalDays:0} days" : "for ever";
            System.Console.WriteLine(
                $"{topic.Name,-22} {topic.Partitions,3} partitions, kept {kept,-8}  key: {topic.Key}; "
                + $"{topic.Writers} -> {topic.Readers}");
        }
    }

    private static async Task<int> CreateAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var named = parsed.GetValue(Kafka);
        var overrides = named is null ? null : new Dictionary<string, string?> { ["Kafka:Bootstrap"] = named };
        var options = KafkaOptions.From(RoleHost.ReadConfiguration(overrides: overrides));
        try
        {
            var admin = new TopicAdmin(options, NullLogger<TopicAdmin>.Instance);
            var differences = await admin.EnsureAsync(Topics.All, cancellation);
            foreach (var sentence in differences) await System.Console.Error.WriteLineAsync(sentence);
            System.Console.WriteLine($"{Topics.All.Count} topics are at {options.Bootstrap}");
            return differences.Count == 0 ? 0 : CommandLine.Failure;
        }
        catch (KafkaException e)
        {
            throw new CommandException($"Kafka at {options.Bootstrap} does not answer: {e.Error.Reason}.", e);
        }
    }
}
