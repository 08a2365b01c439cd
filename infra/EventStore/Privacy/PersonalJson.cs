using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventStream.Contracts;

namespace EventStream.EventStore.Privacy;

/// <summary>
/// Personal text inside stored JSON. Where it stood, an object stands: <c>{"$personal": 7, "value": "..."}</c>, the
/// number of the key and the cipher. No text of a user can look like one, because a text is never an object.
/// </summary>
internal static class PersonalJson
{
    private const string Mark = "$personal";
    private const string Value = "value";
    private static readonly ConcurrentDictionary<Type, Field[]> Known = new();

    /// <summary>
    /// The marked members of an event type. Throws <see cref="InvalidOperationException"/> when a mark is on something
    /// else than a text or names a member that is not one.
    /// </summary>
    public static Field[] FieldsOf(Type type) => Known.GetOrAdd(type, static type =>
    [
        .. from property in type.GetProperties()
           let mark = property.GetCustomAttribute<PersonalDataAttribute>()
           where mark is not null
           select new Field(NameOf(property), Text(type, property), Text(type, mark.Subject is { } other
               ? type.GetProperty(other) : property)),
    ]);

    /// <summary>Whether bytes of JSON may hold something protected.</summary>
    public static bool MayHold(ReadOnlySpan<byte> json) => json.IndexOf("\"$personal\""u8) >= 0;

    /// <summary>The object that stands for a text.</summary>
    public static JsonObject Protect(SubjectKey key, string text) =>
        new() { [Mark] = key.Id, [Value] = key.Protect(text) };

    /// <summary>
    /// Puts texts back where they stood, the mark of erasure for those whose key was destroyed. Keys that are not known
    /// are added to <paramref name="missing"/>; then the answer is of no use yet.
    /// </summary>
    public static JsonNode? Reveal(JsonNode? node, SubjectKeys keys, ISet<long> missing)
    {
        switch (node)
        {
            case JsonObject protectedText when IsProtected(protectedText, out var id, out var cipher):
                if (keys.TryGet(id, out var key)) return key?.Reveal(cipher) ?? PersonalDataAttribute.Erased;
                missing.Add(id);
                return null;
            case JsonObject members:
                foreach (var (name, value) in members.ToList())
                {
                    var revealed = Reveal(value, keys, missing);
                    if (!ReferenceEquals(revealed, value)) members[name] = revealed;
                }

                return members;
            case JsonArray items:
                for (var i = 0; i < items.Count; i++)
                {
                    var revealed = Reveal(items[i], keys, missing);
                    if (!ReferenceEquals(revealed, items[i])) items[i] = revealed;
                }

                return items;
            default:
                return node;
        }
    }

    private static bool IsProtected(JsonObject node, out long id, out string cipher)
    {
        (id, cipher) = (0, "");
        return node.Count == 2 && node[Mark] is JsonValue number && number.TryGetValue(out id)
            && node[Value] is JsonValue text && text.TryGetValue(out cipher!);
    }

    private static string NameOf(PropertyInfo property) => JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    private static PropertyInfo Text(Type type, PropertyInfo? property) =>
        property is not null && property.PropertyType == typeof(string) ? property
            : throw new InvalidOperationException(
                $"{type.Name}: only a text can be marked as personal, and only by a text can a person be named.");

    /// <summary>A marked member: its name in JSON, its text and who the person is.</summary>
    internal sealed record Field(string Name, PropertyInfo Property, PropertyInfo Subject)
    {
        public string? TextOf(object data) => (string?)Property.GetValue(data);

        public string? SubjectOf(object data) => (string?)Subject.GetValue(data);
    }
}
