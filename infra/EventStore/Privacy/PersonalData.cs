using System.Buffers;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using Marten;

namespace EventStream.EventStore.Privacy;

/// <summary>What a store knows of persons: it protects and reveals texts, and erases a person.</summary>
public sealed class PersonalData
{
    private readonly SubjectKeys keys;

    internal PersonalData(SubjectKeys keys) => this.keys = keys;

    /// <summary>
    /// A text as it is stored in a column, such as <c>user_name</c>: JSON of the person's key and the cipher. The same
    /// text of the same person is always stored alike, so that it can be searched for.
    /// </summary>
    public async ValueTask<string> ProtectAsync(string subject, string text, CancellationToken cancellation)
    {
        if (text == PersonalDataAttribute.Erased)
            return text;
        var key = await keys.OfAsync(subject, cancellation);
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
            PersonalText.Write(writer, key, text);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The text again, or <see cref="PersonalDataAttribute.Erased"/>.</summary>
    public string? Reveal(string? stored)
    {
        if (stored is null || !stored.StartsWith('{'))
            return stored;
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(stored));
        reader.Read();
        return PersonalText.Read(ref reader, keys);
    }

    /// <summary>
    /// Fetches the keys that serializing an event or document is going to need, so that it does not wait for the
    /// database.
    /// </summary>
    public ValueTask FetchKeysAsync(object data, CancellationToken cancellation) => keys.FetchAsync(data, cancellation);

    /// <summary>
    /// Erases a person from every event and read model of this store. Returns whether anything was known. Another
    /// process may go on reading for <see cref="SubjectKeys.RememberedFor"/>.
    /// </summary>
    public Task<bool> EraseAsync(string subject, CancellationToken cancellation) =>
        keys.EraseAsync(subject, cancellation);
}

/// <summary>
/// Fetches the keys that a save is going to need, so that the serializer does not wait for the database.
/// </summary>
internal sealed class PersonalKeysListener(SubjectKeys keys) : DocumentSessionListenerBase
{
    public override async Task BeforeSaveChangesAsync(IDocumentSession session, CancellationToken token)
    {
        foreach (var stream in session.PendingChanges.Streams())
        foreach (var e in stream.Events)
            await keys.FetchAsync(e.Data, token);
        foreach (var document in session.PendingChanges.Updates())
            await keys.FetchAsync(document, token);
        foreach (var document in session.PendingChanges.Inserts())
            await keys.FetchAsync(document, token);
    }
}
