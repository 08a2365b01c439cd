using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Contracts;

/// <summary>
/// History stays readable: each message of the contracts has golden files, <c>NAME.json</c> as it was first, then
/// <c>NAME.2.json</c> and so on as it grew. They are only ever added to.
/// </summary>
public sealed class GoldenFileTests
{
    private static string Folder => Path.Combine(Checkout.Root, "tests", "Unit", "Contracts", "Golden");

    public static TheoryData<string> Names => [.. MessageTypes.Names.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_message_has_a_golden_file_that_is_read_and_written_identically(string name)
    {
        if (Versions(name) is not [.., var newest])
        {
            Assert.Fail(
                $"{name} has no golden file. Add tests/Unit/Contracts/Golden/{name}.json:\n" + Samples.Of(Message(name))
            );
            return;
        }

        Assert.Equal(newest.Text, Rewritten(name, newest.Text), ignoreLineEndingDifferences: true);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_newest_golden_file_has_every_member_of_the_message(string name)
    {
        if (Versions(name) is not [.., var newest])
            return;
        var whole = Paths(JsonNode.Parse(Samples.Of(Message(name)))!).ToList();
        var missing = whole.Except(Paths(JsonNode.Parse(newest.Text)!)).ToList();
        if (missing.Count == 0)
            return;
        Assert.Fail(
            $"{name} grew by {string.Join(", ", missing)}. Leave its golden files as they are and add "
                + $"tests/Unit/Contracts/Golden/{name}.{newest.Number + 1}.json:\n{Samples.Of(Message(name))}"
        );
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void An_older_shape_is_still_read_and_loses_nothing_and_what_grew_is_optional(string name)
    {
        var versions = Versions(name);
        for (var i = 0; i + 1 < versions.Count; i++)
        {
            var (older, newer) = (
                Paths(JsonNode.Parse(versions[i].Text)!).ToList(),
                Paths(JsonNode.Parse(versions[i + 1].Text)!).ToList()
            );
            Assert.Equal(older, newer.Where(older.Contains));
            var rewritten = JsonNode.Parse(Rewritten(name, versions[i].Text))!;
            Assert.Equal(older, Paths(rewritten).Where(older.Contains));
            Assert.All(
                newer.Except(older).Where(path => !path.Contains('.')),
                path =>
                    Assert.True(
                        IsOptional(Message(name).Json.Properties.Single(member => member.Name == path)),
                        $"{name} grew by {path}, which older records lack: give it a default or let it be null."
                    )
            );
        }
    }

    [Fact]
    public void No_golden_file_is_left_without_its_message()
    {
        var files = Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)!);
        Assert.All(files, file => Assert.Contains(MessageTypes.Names, name => file == name || IsVersion(file, name)));
    }

    [Fact]
    public void Members_that_a_reader_does_not_know_are_ignored()
    {
        var grown = JsonNode.Parse(Samples.Of(Message("video.published.v1")))!.AsObject();
        grown["addedLater"] = new JsonObject { ["a"] = 1 };
        var read = MessageTypes.Read("video.published.v1", Encoding.UTF8.GetBytes(grown.ToJsonString()));
        Assert.IsType<VideoPublished>(read);
    }

    private static MessageType Message(string name) => MessageTypes.Of(MessageTypes.TypeOf(name)!);

    private static List<(int Number, string Text)> Versions(string name) =>
        [
            .. Directory
                .EnumerateFiles(Folder, $"{name}*.json")
                .Select(file => (File: file, Stem: Path.GetFileNameWithoutExtension(file)))
                .Where(found => found.Stem == name || IsVersion(found.Stem, name))
                .Select(found =>
                    (
                        Number: found.Stem == name ? 1 : int.Parse(found.Stem[(name.Length + 1)..]),
                        Text: File.ReadAllText(found.File)
                    )
                )
                .OrderBy(version => version.Number),
        ];

    private static bool IsVersion(string stem, string name) =>
        stem.StartsWith($"{name}.", StringComparison.Ordinal) && int.TryParse(stem[(name.Length + 1)..], out _);

    private static string Rewritten(string name, string text) =>
        Samples.Pretty(MessageTypes.Write(MessageTypes.Read(name, Encoding.UTF8.GetBytes(text))));

    private static bool IsOptional(JsonPropertyInfo member) =>
        !member.IsRequired
        && (
            member.IsSetNullable
            || member.AssociatedParameter is { HasDefaultValue: true }
            || member.AssociatedParameter is null
            // An init-only member reads as its type's default, which null is not for a reference.
            || (member.AssociatedParameter.IsMemberInitializer && member.PropertyType.IsValueType)
        );

    /// <summary>The members of a value, in order, as <c>a</c>, <c>a.b</c>; of list items as <c>a.b</c>.</summary>
    private static IEnumerable<string> Paths(JsonNode node, string prefix = "") =>
        node switch
        {
            JsonObject members => members.SelectMany(member =>
                Paths(member.Value!, $"{prefix}{member.Key}.").Prepend($"{prefix}{member.Key}")
            ),
            JsonArray items => items.SelectMany(item => Paths(item!, prefix)).Distinct(),
            _ => [],
        };
}
