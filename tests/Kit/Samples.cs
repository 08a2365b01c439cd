using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;

namespace EventStream.Tests.Kit;

/// <summary>A message with all members set, from its serializer's description: the text of a golden file.</summary>
internal static class Samples
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The sample as the contracts write it, indented.</summary>
    public static string Of(MessageType message)
    {
        var number = 0;
        var json = Node(message.Json, message.Name, ref number)!.ToJsonString();
        return Pretty(MessageTypes.Write(MessageTypes.Read(message.Name, System.Text.Encoding.UTF8.GetBytes(json))));
    }

    /// <summary>JSON indented, its members in their order.</summary>
    public static string Pretty(ReadOnlySpan<byte> json) => JsonNode.Parse(json)!.ToJsonString(Indented) + "\n";

    private static JsonNode? Node(JsonTypeInfo type, string name, ref int number)
    {
        number++;
        var plain = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (plain == typeof(string))
            return JsonValue.Create(name);
        if (plain == typeof(bool))
            return JsonValue.Create(true);
        if (plain == typeof(int) || plain == typeof(long))
            return JsonValue.Create(number);
        if (plain == typeof(double))
            return JsonValue.Create(number + 0.5);
        if (plain == typeof(VideoId))
            return JsonValue.Create("0197b7a2-5c1e-7000-8000-5f1c2e9f0a77");
        if (plain == typeof(DateTimeOffset))
            return JsonValue.Create($"2026-11-01T12:00:{number % 60:00}.25+00:00");
        return type.Kind switch
        {
            JsonTypeInfoKind.Enumerable => new JsonArray(Node(Info(type.ElementType!), $"{name}-item", ref number)),
            JsonTypeInfoKind.Dictionary => new JsonObject
            {
                [$"{name}-key"] = Node(Info(type.ElementType!), name, ref number),
            },
            JsonTypeInfoKind.Object => Members(type, ref number),
            _ => throw new NotSupportedException($"No sample of {type.Type} ({name}) can be made; add its kind here."),
        };
    }

    private static JsonObject Members(JsonTypeInfo type, ref int number)
    {
        var members = new JsonObject();
        foreach (var member in type.Properties)
            members[member.Name] = Node(Info(member.PropertyType), member.Name, ref number);
        return members;
    }

    /// <summary>What the generated serializers know of a type.</summary>
    public static JsonTypeInfo Info(Type type) =>
        ContractsJson.Default.GetTypeInfo(type)
        ?? throw new NotSupportedException($"The contracts' serializers do not know {type}.");
}
