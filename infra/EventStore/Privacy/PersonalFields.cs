using System.Collections.Concurrent;
using System.Reflection;
using EventStream.Contracts;

namespace EventStream.EventStore.Privacy;

/// <summary>The members of a type that <see cref="PersonalDataAttribute"/> marks.</summary>
internal static class PersonalFields
{
    private static readonly ConcurrentDictionary<Type, Field[]> Known = new();

    /// <summary>
    /// The marked members. Throws <see cref="InvalidOperationException"/> when a mark is on something else than a text
    /// or names a member that is not one.
    /// </summary>
    public static Field[] Of(Type type) =>
        Known.GetOrAdd(
            type,
            static type =>
                [
                    .. from property in type.GetProperties()
                    let mark = property.GetCustomAttribute<PersonalDataAttribute>()
                    where mark is not null
                    select new Field(
                        Text(type, property),
                        Text(type, mark.Subject is { } other ? type.GetProperty(other) : property)
                    ),
                ]
        );

    private static PropertyInfo Text(Type type, PropertyInfo? property) =>
        property is not null && property.PropertyType == typeof(string)
            ? property
            : throw new InvalidOperationException(
                $"{type.Name}: only a text can be marked as personal, and only by a text can a person be named."
            );

    /// <summary>A marked member: its text and who the person is.</summary>
    internal sealed record Field(PropertyInfo Property, PropertyInfo Subject)
    {
        public string? TextOf(object data) => (string?)Property.GetValue(data);

        public string? SubjectOf(object data) => (string?)Subject.GetValue(data);
    }
}
