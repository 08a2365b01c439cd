using System.Text.Json.Nodes;
using EventStream.Contracts;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Contracts;

/// <summary>
/// The AsyncAPI document of the topics: complete, sound, and the same as the committed one, which <c>make docs</c>
/// writes.
/// </summary>
[Trait("Category", "Docs")]
public sealed class AsyncApiTests
{
    private static readonly JsonObject Document = JsonNode.Parse(AsyncApi.Document())!.AsObject();

    [Fact]
    public void The_committed_document_is_what_the_contracts_say()
    {
        var file = Path.Combine(Checkout.Root, "docs", "asyncapi.json");
        if (Environment.GetEnvironmentVariable("EVENTSTREAM_WRITE_DOCS") is not null)
            File.WriteAllText(file, AsyncApi.Document());
        Assert.True(
            File.ReadAllText(file) == AsyncApi.Document(),
            "docs/asyncapi.json is not what the contracts say; run `make docs` and commit it."
        );
    }

    [Fact]
    public void The_document_has_what_AsyncAPI_3_0_requires()
    {
        Assert.Equal("3.0.0", (string?)Document["asyncapi"]);
        Assert.NotNull((string?)Document["info"]!["title"]);
        Assert.NotNull((string?)Document["info"]!["version"]);
        foreach (var (name, operation) in Document["operations"]!.AsObject())
        {
            Assert.Contains((string?)operation!["action"], (string[])["send", "receive"]);
            var channel = (string)operation["channel"]!["$ref"]!;
            Assert.All(
                operation["messages"]!.AsArray(),
                message =>
                    Assert.StartsWith($"{channel}/messages/", (string)message!["$ref"]!, StringComparison.Ordinal)
            );
            Assert.Matches("^(send|receive)\\.", name);
        }

        foreach (
            var (name, _) in Document["components"]!["messages"]!
                .AsObject()
                .Concat(Document["components"]!["schemas"]!.AsObject())
        )
            Assert.Matches("^[a-zA-Z0-9._-]+$", name);
    }

    [Fact]
    public void Every_reference_resolves_and_every_component_is_referred_to()
    {
        var references = References(Document).ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(references);
        Assert.All(references, reference => Assert.NotNull(Resolve(reference)));
        Assert.All(
            Document["components"]!["messages"]!.AsObject(),
            message => Assert.Contains($"#/components/messages/{message.Key}", references)
        );
        Assert.All(
            Document["components"]!["schemas"]!.AsObject(),
            schema => Assert.Contains($"#/components/schemas/{schema.Key}", references)
        );
    }

    [Fact]
    public void Every_topic_is_a_channel_with_its_binding_and_every_message_travels_on_a_topic()
    {
        var channels = Document["channels"]!.AsObject();
        Assert.Equal(Topics.All.Select(topic => topic.Name), channels.Select(channel => channel.Key));
        foreach (var topic in Topics.All)
        {
            var binding = channels[topic.Name]!["bindings"]!["kafka"]!;
            Assert.Equal(topic.Partitions, (int?)binding["partitions"]);
            Assert.Equal(
                (long?)topic.Retention?.TotalMilliseconds ?? -1,
                (long?)binding["topicConfiguration"]!["retention.ms"]
            );
            Assert.Contains(topic.Key, (string)channels[topic.Name]!["description"]!);
            Assert.NotEmpty(topic.Messages);
        }

        var travelling = Topics.All.SelectMany(topic => topic.Messages).Select(MessageTypes.NameOf).Distinct();
        Assert.Equal(MessageTypes.Names.Order(StringComparer.Ordinal), travelling.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_golden_file_has_the_members_that_its_schema_requires()
    {
        foreach (var (name, schema) in Document["components"]!["schemas"]!.AsObject())
        {
            if (MessageTypes.TypeOf(name) is not { } type)
                continue;
            var sample = JsonNode.Parse(Samples.Of(MessageTypes.Of(type)))!.AsObject();
            var properties = schema!["properties"]!.AsObject();
            Assert.Equal(properties.Select(property => property.Key), sample.Select(member => member.Key));
            Assert.All(schema["required"]?.AsArray() ?? [], required => Assert.NotNull(sample[(string)required!]));
        }
    }

    private static IEnumerable<string> References(JsonNode? node) =>
        node switch
        {
            JsonObject members => members.SelectMany(member =>
                member.Key == "$ref" ? [(string)member.Value!] : References(member.Value)
            ),
            JsonArray items => items.SelectMany(References),
            _ => [],
        };

    private static JsonNode? Resolve(string reference) =>
        reference
            .Split('/')
            .Skip(1)
            .Aggregate((JsonNode?)Document, (node, name) => node?[name.Replace("~1", "/", StringComparison.Ordinal)]);
}
