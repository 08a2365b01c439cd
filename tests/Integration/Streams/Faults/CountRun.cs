using System.Globalization;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>What a fault run of the counting stream found on the topics once everything was processed.</summary>
internal sealed record CountResult(
    IReadOnlyList<CountedWindow> Windows,
    IReadOnlyList<(int Partition, long Offset)> DeadLetters
);

/// <summary>
/// The counting stream on a broker: its topics, its input, its instances, and the comparison of what it committed with
/// the reference.
/// </summary>
internal sealed class CountRun(string bootstrap, int seed, CountSettings settings, CountInput input)
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(120);

    public CountSettings Settings => settings;

    public CountInput Input => input;

    /// <summary>Makes the topics of a run of its own.</summary>
    public static async Task<CountRun> CreateAsync(
        string bootstrap,
        int seed,
        Func<CountSettings, CountSettings>? change = null
    )
    {
        var run = $"{Guid.NewGuid():N}"[..8];
        var settings = new CountSettings
        {
            Application = $"count-{run}",
            Input = $"numbers-{run}",
            Output = $"counts-{run}",
        };
        var topics = new[] { settings.Input, settings.Output }.Select(name => new Topic(
            name,
            "key",
            "test",
            "test",
            CountInput.Partitions,
            Retention: null
        ));
        var admin = new TopicAdmin(new KafkaOptions { Bootstrap = bootstrap }, NullLogger<TopicAdmin>.Instance);
        await admin.EnsureAsync([.. topics, Topics.DeadLetters], CancellationToken.None);
        settings = change?.Invoke(settings) ?? settings;
        return new CountRun(bootstrap, seed, settings, new CountInput(seed, TimeProvider.System.GetUtcNow(), settings));
    }

    public StreamInstance Launch(string name) => StreamInstance.Count(name, bootstrap, settings);

    public StreamFeed Feed(int lead) =>
        new(bootstrap, settings.Application, settings.Input, CountInput.Partitions, input.Take, lead);

    public StreamFaults Faults(StreamFeed feed, params string[] names) => new(names, Launch, feed, seed);

    /// <summary>Ends the input, waits until all of it is committed, and compares.</summary>
    public async Task<CountResult> SettleAsync(StreamFeed feed)
    {
        await feed.EndAsync(input.Close());
        await Wait.UntilAsync(
            "everything written is committed",
            () => feed.LookAtGroup() == input.Written.Sum(),
            EndTimeout
        );
        return Read();
    }

    /// <summary>What readers of committed records see on the output and among the dead letters.</summary>
    public CountResult Read()
    {
        var windows = CommittedRecords.Of(bootstrap, settings.Output, CountInput.Partitions).Select(Window);
        var letters = CommittedRecords
            .Of(bootstrap, Topics.DeadLetters.Name, Topics.DeadLetters.Partitions)
            .Select(message => MessageTypes.Read(MessageTypes.NameOf(typeof(RecordDeadLettered)), message.Value))
            .OfType<RecordDeadLettered>()
            .Where(letter => letter.Topic == settings.Input)
            .Select(letter => (letter.Partition, letter.Offset));
        return new([.. windows], [.. letters]);
    }

    /// <summary>Every difference between what was committed and the reference; empty where there is none.</summary>
    public IReadOnlyList<string> Differences(CountResult result)
    {
        var expected = input.Closed.ToDictionary(window => (window.Key, window.StartMs));
        var found = result.Windows.GroupBy(window => (window.Key, window.StartMs)).ToDictionary(g => g.Key);
        return
        [
            .. found
                .Where(group => group.Value.Count() > 1)
                .Select(group => $"{group.Value.Count()} times: {string.Join(" and ", group.Value)}"),
            .. found
                .Values.SelectMany(group => group)
                .Where(window => !expected.TryGetValue((window.Key, window.StartMs), out var right) || right != window)
                .Select(window => $"wrong: {window}, not {expected.GetValueOrDefault((window.Key, window.StartMs))}"),
            .. expected.Keys.Except(found.Keys).Select(key => $"missing: {expected[key]}"),
            .. result
                .DeadLetters.GroupBy(letter => letter)
                .Where(letter => letter.Count() > 1)
                .Select(letter => $"{letter.Count()} dead letters of {letter.Key}"),
            .. result.DeadLetters.Except(input.DeadLetters).Select(letter => $"no bad record: {letter}"),
            .. input.DeadLetters.Except(result.DeadLetters).Select(letter => $"no dead letter of {letter}"),
        ];
    }

    public static void AssertNone(IReadOnlyList<string> differences) =>
        Assert.True(
            differences.Count == 0,
            $"{differences.Count} differences:\n{string.Join('\n', differences.Take(20))}"
        );

    private static CountedWindow Window(Message<byte[], byte[]> message)
    {
        var parts = Encoding
            .UTF8.GetString(message.Value)
            .Split('|')
            .Select(part => long.Parse(part, CultureInfo.InvariantCulture))
            .ToArray();
        return new CountedWindow(Encoding.UTF8.GetString(message.Key), parts[0], parts[1], parts[2]);
    }
}
