using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Unit.Tests.Contracts;

/// <summary>
/// The AsyncAPI 3.0 document of all topics, from the contracts alone: a channel for each topic with its Kafka binding,
/// a message for each wire name with its CloudEvents headers and the JSON Schema of its record. It is the same for the
/// same contracts, so that the committed copy can be compared.
/// </summary>
internal static class AsyncApi
{
    private const string BindingVersion = "0.5.0";
    private const string HeadersSchema = "CloudEventsHeaders";

    private static readonly JsonSerializerOptions Written = new(JsonSerializerDefaults.General)
    {
        WriteIndented = true,
        // The document is read by people and tools, never embedded in a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    private static readonly JsonSchemaExporterOptions Schemas = new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = Named,
    };

    /// <summary>The document as indented JSON with a final line break.</summary>
    public static string Document() => Build().ToJsonString(Written) + "\n";

    private static JsonObject Build() =>
        new()
        {
            ["asyncapi"] = "3.0.0",
            ["info"] = new JsonObject
            {
                ["title"] = "EventStream",
                ["version"] = "1.0.0",
                ["description"] =
                    "Every topic of the platform. Values are JSON; the CloudEvents Kafka binary binding "
                    + "carries type, id, source and time in headers. Shapes only grow: unknown members "
                    + "are to be ignored.",
            },
            ["defaultContentType"] = CloudEvents.JsonContentType,
            ["channels"] = new JsonObject(Topics.All.Select(topic => Pair(topic.Name, Channel(topic)))),
            ["operations"] = new JsonObject(Topics.All.SelectMany(Operations)),
            ["components"] = new JsonObject
            {
                ["messages"] = new JsonObject(AllMessages().Select(message => Pair(message.Name, Message(message)))),
                ["schemas"] = new JsonObject(
                    AllMessages()
                        .Select(message => Pair(message.Name, Payload(message)))
                        .Append(Pair(HeadersSchema, Headers()))
                ),
            },
        };

    private static IEnumerable<MessageType> AllMessages() =>
        Topics
            .All.SelectMany(topic => topic.Messages)
            .Distinct()
            .Select(MessageTypes.Of)
            .OrderBy(message => message.Name, StringComparer.Ordinal);

    private static JsonObject Channel(Topic topic) =>
        new()
        {
            ["address"] = topic.Name,
            ["description"] = $"Key: {topic.Key}. Written by {Listed(topic.Writers)}, read by {Listed(topic.Readers)}.",
            ["messages"] = new JsonObject(
                topic
                    .Messages.Select(type => MessageTypes.NameOf(type))
                    .Select(name => Pair(name, Reference($"#/components/messages/{name}")))
            ),
            ["bindings"] = new JsonObject { ["kafka"] = ChannelBinding(topic) },
        };

    private static JsonObject ChannelBinding(Topic topic) =>
        new()
        {
            ["topic"] = topic.Name,
            ["partitions"] = topic.Partitions,
            ["topicConfiguration"] = new JsonObject
            {
                [TopicSettings.CleanupPolicy] = new JsonArray(topic.Compacted ? "compact" : "delete"),
                [TopicSettings.RetentionMs] = (long?)topic.Retention?.TotalMilliseconds ?? -1,
            },
            ["bindingVersion"] = BindingVersion,
        };

    /// <summary>Who sends to and who receives from a topic; the summary names the rooms.</summary>
    private static IEnumerable<KeyValuePair<string, JsonNode?>> Operations(Topic topic)
    {
        yield return Pair($"send.{topic.Name}", Operation(topic, "send", $"{Listed(topic.Writers)} write"));
        yield return Pair($"receive.{topic.Name}", Operation(topic, "receive", $"{Listed(topic.Readers)} read"));
    }

    private static JsonObject Operation(Topic topic, string action, string summary) =>
        new()
        {
            ["action"] = action,
            ["summary"] = summary,
            ["channel"] = Reference($"#/channels/{topic.Name}"),
            ["messages"] = new JsonArray([
                .. topic.Messages.Select(type =>
                    (JsonNode)Reference($"#/channels/{topic.Name}/messages/{MessageTypes.NameOf(type)}")
                ),
            ]),
        };

    private static JsonObject Message(MessageType message) =>
        new()
        {
            ["name"] = message.Name,
            ["title"] = message.Json.Type.Name,
            ["contentType"] = CloudEvents.JsonContentType,
            ["headers"] = Reference($"#/components/schemas/{HeadersSchema}"),
            ["payload"] = Reference($"#/components/schemas/{message.Name}"),
            ["bindings"] = new JsonObject
            {
                ["kafka"] = new JsonObject
                {
                    ["key"] = new JsonObject { ["type"] = "string" },
                    ["bindingVersion"] = BindingVersion,
                },
            },
        };

    private static JsonNode Payload(MessageType message) =>
        Rooted(message.Json.GetJsonSchemaAsNode(Schemas), $"#/components/schemas/{message.Name}");

    /// <summary>Where a type comes again, the exporter refers to it from the root of its own schema.</summary>
    private static JsonNode Rooted(JsonNode node, string root)
    {
        foreach (var (name, value) in node is JsonObject members ? members.ToList() : [])
        {
            if (name == "$ref")
                node[name] = root + value!.GetValue<string>()[1..];
            else if (value is not null)
                Rooted(value, root);
        }

        foreach (var item in node is JsonArray items ? items.ToList() : [])
            Rooted(item!, root);
        return node;
    }

    private static JsonObject Headers()
    {
        static JsonObject Text(string description, string? constant = null)
        {
            var schema = new JsonObject { ["type"] = "string", ["description"] = description };
            if (constant is not null)
                schema["const"] = constant;
            return schema;
        }

        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                [CloudEvents.SpecVersion] = Text("Version of CloudEvents.", CloudEvents.SpecVersionValue),
                [CloudEvents.Type] = Text("The frozen wire name of the message."),
                [CloudEvents.Source] = Text("The role that wrote it."),
                [CloudEvents.Id] = Text("The event's id, by which a repetition is recognized."),
                [CloudEvents.Time] = Text("The event's own time, RFC 3339."),
                [CloudEvents.ContentType] = Text("How the value is written.", CloudEvents.JsonContentType),
                [CloudEvents.TraceParent] = Text("W3C trace context, where the event is part of a trace."),
            },
            ["required"] = new JsonArray(
                CloudEvents.SpecVersion,
                CloudEvents.Type,
                CloudEvents.Source,
                CloudEvents.Id,
                CloudEvents.Time,
                CloudEvents.ContentType
            ),
        };
    }

    /// <summary>An id is a UUID in text, which the exporter cannot see behind its converter.</summary>
    private static JsonNode Named(JsonSchemaExporterContext context, JsonNode schema) =>
        context.TypeInfo.Type == typeof(VideoId) ? new JsonObject { ["type"] = "string", ["format"] = "uuid" } : schema;

    private static string Listed(string rooms) => string.Join(", ", rooms.Split(' '));

    private static JsonObject Reference(string path) => new() { ["$ref"] = path };

    private static KeyValuePair<string, JsonNode?> Pair(string name, JsonNode? value) => new(name, value);
}
