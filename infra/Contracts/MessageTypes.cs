using System.Collections.Frozen;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EventStream.Contracts;

/// <summary>
/// The dictionary between wire names and records, and the one place that turns messages into bytes and back.
/// </summary>
public static class MessageTypes
{
    private static readonly FrozenDictionary<string, MessageType> ByName = Scan();
    private static readonly FrozenDictionary<string, MessageType>.AlternateLookup<ReadOnlySpan<char>> BySpan =
        ByName.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly FrozenDictionary<Type, MessageType> ByType = ByName.Values.ToFrozenDictionary(message =>
        message.Json.Type
    );

    /// <summary>Every frozen wire name.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>
    /// What the contracts know of a type. Throws <see cref="UnknownMessageException"/> for one without a wire name.
    /// </summary>
    public static MessageType Of(Type type) =>
        ByType.TryGetValue(type, out var message) ? message : throw new UnknownMessageException(type.Name);

    /// <summary>
    /// The wire name of a message. Throws <see cref="UnknownMessageException"/> for a type without one.
    /// </summary>
    public static string NameOf(Type type) => Of(type).Name;

    /// <summary>The record behind a wire name, or null.</summary>
    public static Type? TypeOf(string name) => ByName.TryGetValue(name, out var message) ? message.Json.Type : null;

    /// <summary>JSON in UTF-8.</summary>
    public static byte[] Write(IMessage message) => Of(message.GetType()).Write(message);

    /// <summary>
    /// Reads a message. Throws <see cref="UnknownMessageException"/> when the name is not known and
    /// <see cref="JsonException"/> when the bytes are not that message.
    /// </summary>
    public static IMessage Read(string name, ReadOnlySpan<byte> json)
    {
        if (!ByName.TryGetValue(name, out var message))
            throw new UnknownMessageException(name);
        return message.Read(json);
    }

    /// <summary>The same for a name in UTF-8, as a record's header carries it.</summary>
    public static IMessage Read(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json)
    {
        Span<char> text = stackalloc char[MessageType.NameLengthMax];
        return
            name.Length <= text.Length
            && Encoding.UTF8.TryGetChars(name, text, out var length)
            && BySpan.TryGetValue(text[..length], out var message)
            ? message.Read(json)
            : throw new UnknownMessageException(
                Encoding.UTF8.GetString(name[..Math.Min(name.Length, MessageType.NameLengthMax)])
            );
    }

    private static FrozenDictionary<string, MessageType> Scan() =>
        typeof(MessageTypes)
            .Assembly.GetTypes()
            .Select(type => (type, name: type.GetCustomAttribute<WireNameAttribute>()?.Name))
            .Where(pair => pair.name is not null)
            .ToFrozenDictionary(
                pair => pair.name!,
                pair => new MessageType(
                    pair.name!,
                    ContractsJson.Default.GetTypeInfo(pair.type) ?? throw new UnknownMessageException(pair.type.Name)
                )
            );
}

/// <summary>One message of the contracts: its frozen wire name and the serializer of its record.</summary>
public sealed class MessageType(string name, JsonTypeInfo json)
{
    /// <summary>The longest wire name.</summary>
    public const int NameLengthMax = 64;

    public string Name { get; } =
        name.Length <= NameLengthMax
            ? name
            : throw new ArgumentException($"The wire name is longer than {NameLengthMax} characters.", nameof(name));

    /// <summary>The name in UTF-8, encoded once. Not to be written to.</summary>
    public byte[] NameUtf8 { get; } = Encoding.UTF8.GetBytes(name);

    public JsonTypeInfo Json { get; } = json;

    /// <summary>JSON in UTF-8. The message must be of this type.</summary>
    public byte[] Write(IMessage message) => JsonSerializer.SerializeToUtf8Bytes(message, Json);

    /// <summary>Reads a message; throws <see cref="JsonException"/> when the bytes are not one.</summary>
    public IMessage Read(ReadOnlySpan<byte> json) =>
        (IMessage?)JsonSerializer.Deserialize(json, Json)
        ?? throw new JsonException($"A {Name} was expected and the JSON is null.");
}

/// <summary>A wire name, or a type, that the contracts do not know: newer than this reader, or not ours.</summary>
public sealed class UnknownMessageException(string name)
    : Exception($"'{name}' is not a message of the contracts; update this reader or send a known type.")
{
    public string Name { get; } = name;
}
