using System.Collections.Frozen;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EventStream.Contracts;

/// <summary>
/// The dictionary between wire names and records, and the one place that turns messages into bytes and back.
/// </summary>
public static class MessageTypes
{
    private static readonly FrozenDictionary<string, JsonTypeInfo> ByName = Scan();
    private static readonly FrozenDictionary<Type, string> ByType =
        ByName.ToFrozenDictionary(pair => pair.Value.Type, pair => pair.Key);

    /// <summary>Every frozen wire name.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>
    /// The wire name of a message. Throws <see cref="UnknownMessageException"/> for a type without one.
    /// </summary>
    public static string NameOf(Type type) =>
        ByType.TryGetValue(type, out var name) ? name : throw new UnknownMessageException(type.Name);

    /// <summary>The record behind a wire name, or null.</summary>
    public static Type? TypeOf(string name) => ByName.TryGetValue(name, out var info) ? info.Type : null;

    /// <summary>JSON in UTF-8.</summary>
    public static byte[] Write(IMessage message) =>
        JsonSerializer.SerializeToUtf8Bytes(message, ByName[NameOf(message.GetType())]);

    /// <summary>
    /// Reads a message. Throws <see cref="UnknownMessageException"/> when the name is not known and
    /// <see cref="JsonException"/> when the bytes are not that message.
    /// </summary>
    public static IMessage Read(string name, ReadOnlySpan<byte> json)
    {
        if (!ByName.TryGetValue(name, out var info)) throw new UnknownMessageException(name);
        return (IMessage?)JsonSerializer.Deserialize(json, info)
            ?? throw new JsonException($"A {name} was expected and the JSON is null.");
    }

    private static FrozenDictionary<string, JsonTypeInfo> Scan() =>
        typeof(MessageTypes).Assembly.GetTypes()
            .Select(type => (type, name: type.GetCustomAttribute<WireNameAttribute>()?.Name))
            .Where(pair => pair.name is not null)
            .ToFrozenDictionary(
                pair => pair.name!,
                pair => ContractsJson.Default.GetTypeInfo(pair.type)
                    ?? throw new UnknownMessageException(pair.type.Name));
}

/// <summary>A wire name, or a type, that the contracts do not know: newer than this reader, or not ours.</summary>
public sealed class UnknownMessageException(string name)
    : Exception($"'{name}' is not a message of the contracts; update this reader or send a known type.")
{
    public string Name { get; } = name;
}
