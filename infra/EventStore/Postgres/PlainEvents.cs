using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore.Privacy;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Events that a store held before personal data was encrypted. They cannot be erased by a key, so their rows are
/// written over; a store that was begun later has none, and nothing is searched.
/// </summary>
internal static class PlainEvents
{
    private const string Until = "position <= (select last_position from plain_events)";
    private const string Actors =
        $"""
        update events set metadata = jsonb_set(metadata, array['actor'], to_jsonb($3::text))
        where {Until} and tenant = $1 and metadata ->> 'actor' = $2
        """;
    private const string Texts =
        $"""
        update events set data = jsonb_set(data, array[$5], to_jsonb($3::text))
        where {Until} and tenant = $1 and name = $4 and data ->> $6 = $2 and jsonb_typeof(data -> $5) = 'string'
        """;

    private static readonly Lazy<(string Name, string Field, string Subject)[]> Marked = new(() =>
    [
        .. from name in MessageTypes.Names
           let type = MessageTypes.TypeOf(name)!
           where typeof(IEvent).IsAssignableFrom(type)
           from field in PersonalJson.FieldsOf(type)
           // A text by which others are found is written over last.
           orderby field.Property == field.Subject
           select (name, field.Name, JsonNamingPolicy.CamelCase.ConvertName(field.Subject.Name)),
    ]);

    /// <summary>Writes over what they say of a person. Returns whether there was anything.</summary>
    public static async Task<bool> EraseAsync(
        NpgsqlDataSource source, string tenant, string subject, CancellationToken cancellation)
    {
        await using var any = source.CreateCommand("select last_position from plain_events");
        if (await any.ExecuteScalarAsync(cancellation) is not > 0L) return false;
        await using var actors =
            source.CreateCommand(Actors).With(tenant).With(subject).With(PersonalDataAttribute.Erased);
        var rows = await actors.ExecuteNonQueryAsync(cancellation);
        foreach (var (name, field, by) in Marked.Value)
        {
            await using var texts = source.CreateCommand(Texts).With(tenant).With(subject)
                .With(PersonalDataAttribute.Erased).With(name).With(field).With(by);
            rows += await texts.ExecuteNonQueryAsync(cancellation);
        }

        return rows > 0;
    }
}
