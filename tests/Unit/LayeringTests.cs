using System.Text.RegularExpressions;
using System.Xml.Linq;
using EventStream.Console.Live;
using EventStream.Tests.Kit;
using EventStream.Warehouse.Sink;

namespace EventStream.Unit.Tests;

/// <summary>Who may reference whom, and who writes and reads which topic.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Contracts"] = [],
        ["Embedded.Broker"] = [],
        ["Embedded.ClickHouse"] = [],
        ["Media"] = ["Messaging", "Hosting"],
        ["Tokens"] = ["Contracts"],
        ["Processes"] = [],
        ["Messaging"] = ["Contracts"],
        ["Hosting"] = ["Messaging"],
        ["EventStore"] = ["Messaging", "Hosting"],
        ["Upload"] = ["Messaging", "Hosting", "EventStore", "Media"],
        ["Encode"] = ["Messaging", "Hosting", "Processes", "EventStore", "Media"],
        ["Playback"] = ["Messaging", "Hosting", "Media", "Tokens"],
        ["Edge"] = ["Messaging", "Hosting", "Processes", "Tokens"],
        ["Traffic"] = ["Messaging", "Hosting"],
        ["Console"] = ["Messaging", "Hosting", "Processes", "Warehouse"],
        ["Collect"] = ["Messaging", "Hosting", "Tokens"],
        ["Streams"] = ["Messaging", "Hosting"],
        ["Qoe"] = ["Streams", "Messaging", "Hosting"],
        ["Warehouse"] = ["Messaging", "Hosting"],
        ["Forecasting"] = [],
        ["Capacity"] = ["Forecasting", "Messaging", "Hosting"],
    };

    public static TheoryData<string> Rooms => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_references_only_what_the_plan_allows(string room)
    {
        var project = Checkout.Files("*.csproj").Single(file => Path.GetFileName(file) == $"EventStream.{room}.csproj");
        Assert.Empty(References(project).Except(Allowed[room]));
    }

    [Fact]
    public void A_reference_is_used()
    {
        var unused =
            from project in Checkout.Files("*.csproj")
            let source = string.Concat(
                Checkout
                    .SourceFiles()
                    .Where(file => file.StartsWith(Path.GetDirectoryName(project)! + "/", StringComparison.Ordinal))
                    .Select(File.ReadAllText)
            )
            from room in References(project)
            where !IsOnlyOrder(project, room) && !source.Contains($"EventStream.{room}", StringComparison.Ordinal)
            select $"{Path.GetFileName(project)} references {room} and no file of it uses that";
        Assert.Empty(unused);
    }

    [Fact]
    public void Contracts_reference_no_package_of_their_own()
    {
        var project = Checkout
            .Files("*.csproj")
            .Single(file => file.EndsWith("EventStream.Contracts.csproj", StringComparison.Ordinal));
        Assert.Empty(XDocument.Load(project).Descendants("PackageReference"));
    }

    [Fact]
    public void Every_room_stands_in_the_plan()
    {
        var rooms = Checkout
            .Files("*.csproj")
            .Where(file => !file.Contains("/tests/", StringComparison.Ordinal))
            .Select(Path.GetFileNameWithoutExtension)
            .OfType<string>()
            .Where(name => name.StartsWith("EventStream.", StringComparison.Ordinal) && name != "EventStream.Cli")
            .Select(name => name["EventStream.".Length..]);
        Assert.Equal(Allowed.Keys.Order(), rooms.Order());
    }

    [Fact]
    public void A_topic_is_published_to_only_by_the_rooms_that_the_map_names()
    {
        var offences =
            from topic in EventStream.Contracts.Topics.All
            let field = topic == EventStream.Contracts.Topics.EncodeCommandsFirst
                ? "EncodeCommandsFirst"
                : string.Concat(topic.Name.Split('.').Select(word => char.ToUpperInvariant(word[0]) + word[1..]))
            from file in Checkout.SourceFiles()
            let room = Path.GetRelativePath(Checkout.Root, file).Split('/')[1]
            where !file.Contains("/tests/", StringComparison.Ordinal) && !topic.Writers.Split(' ').Contains(room)
            where topic != EventStream.Contracts.Topics.DeadLetters
            where Publishes(File.ReadAllText(file), field)
            select $"{Path.GetRelativePath(Checkout.Root, file)} publishes to {topic}";
        Assert.Empty(offences);
    }

    [Fact]
    public void A_topic_is_read_by_exactly_the_rooms_that_the_map_names()
    {
        var readers = EventStream.Contracts.Topics.All.ToDictionary(
            topic => topic.Name,
            _ => new SortedSet<string>(StringComparer.Ordinal)
        );
        foreach (var topic in LiveBoard.Topics)
            readers[topic.Name].Add("Console");
        foreach (var topic in RecordRouter.StoredTopics)
            readers[topic.Name].Add("Warehouse");
        foreach (var file in Checkout.SourceFiles().Where(file => !file.Contains("/tests/", StringComparison.Ordinal)))
        foreach (var field in Consumed(file))
        {
            var topic = (EventStream.Contracts.Topic)
                typeof(EventStream.Contracts.Topics).GetField(field)!.GetValue(null)!;
            readers[topic.Name].Add(Path.GetRelativePath(Checkout.Root, file).Split('/')[1]);
        }

        Assert.All(
            EventStream.Contracts.Topics.All,
            topic => Assert.Equal(topic.Readers.Split(' ').Order(StringComparer.Ordinal), readers[topic.Name])
        );
    }

    /// <summary>The topics of a file's consumers and of a topology's sources.</summary>
    private static IEnumerable<string> Consumed(string file)
    {
        var text = File.ReadAllText(file);
        var lists = Find(text, @"new ConsumerOptions\([^;]*?\[(?<topics>[^\]]*)\]")
            .Concat(Find(text, @"AddLane\(\s*services,\s*\w+,\s*(?<topics>Topics\.\w+)"));
        if (file.EndsWith("Topology.cs", StringComparison.Ordinal))
            lists = lists.Concat(Find(text, @"(?<topics>Topics\.\w+)\.Name\b"));
        return lists.SelectMany(list => Find(list, @"Topics\.(?<topics>\w+)"));
    }

    private static IEnumerable<string> Find(string text, string pattern) =>
        Regex
            .Matches(text, pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5))
            .Select(match => match.Groups["topics"].Value);

    /// <summary>Whether a reference says only what is built before.</summary>
    private static bool IsOnlyOrder(string project, string room) =>
        XDocument
            .Load(project)
            .Descendants("ProjectReference")
            .Any(reference =>
                reference.Attribute("ReferenceOutputAssembly")?.Value == "false"
                && reference
                    .Attribute("Include")!
                    .Value.EndsWith($"EventStream.{room}.csproj", StringComparison.Ordinal)
            );

    private static IEnumerable<string> References(string project) =>
        XDocument
            .Load(project)
            .Descendants("ProjectReference")
            .Select(reference =>
                Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'))
            )
            .Select(name => name["EventStream.".Length..]);

    private static bool Publishes(string text, string field) =>
        Regex.IsMatch(
            text,
            $@"(PublishAsync|SendAsync|AddAsync|\.To)\(\s*Topics\.{field}\b",
            RegexOptions.None,
            TimeSpan.FromSeconds(5)
        );
}
