using System.Text.Json;
using System.Text.Json.Nodes;
using EventStream.Contracts;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Upcasting;

namespace EventStream.EventStore.Codec;

/// <summary>
/// The one place where events become stored JSON and stored JSON becomes events: wire names, sizes, upcasters, and the
/// encryption of what is personal. Every store uses it, so that they cannot differ.
/// </summary>
internal sealed class EventCodec(Upcasters upcasters, SubjectKeys keys)
{
    /// <summary>The wire name of rows that a tombstone emptied. No reader sees them.</summary>
    public const string ErasedName = "store.erased.v1";

    public async ValueTask<EncodedAppend> EncodeAsync(
        string tenant, string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation)
    {
        var ids = new Guid[events.Count];
        var names = new string[events.Count];
        var data = new byte[events.Count][];
        var total = 0L;
        for (var i = 0; i < events.Count; i++)
        {
            ids[i] = events[i].Id;
            names[i] = MessageTypes.NameOf(events[i].Data.GetType());
            data[i] = await WriteAsync(tenant, events[i].Data, cancellation);
            AppendRules.CheckSize(stream, names[i], data[i].Length);
            total += data[i].Length;
        }

        var surroundings = await WriteAsync(tenant, metadata, cancellation);
        AppendRules.CheckSize(stream, "metadata", surroundings.Length);
        AppendRules.CheckTotal(stream, total);
        return new EncodedAppend(tenant, stream, expected, ids, names, data, surroundings)
        {
            Events = events,
            Surroundings = metadata,
        };
    }

    public async ValueTask<byte[]> WriteAsync(string tenant, EventMetadata metadata, CancellationToken cancellation)
    {
        var key = string.IsNullOrEmpty(metadata.Actor) ? null
            : await keys.OfAsync(tenant, metadata.Actor, cancellation);
        return StoredMetadata.Write(metadata, key);
    }

    /// <summary>Rows as events, in their order.</summary>
    public ValueTask<IReadOnlyList<RecordedEvent>> DecodeAsync(
        IReadOnlyList<StoredEvent> rows, CancellationToken cancellation)
    {
        var decoder = Decoder();
        foreach (var row in rows) decoder.Add(row);
        return decoder.EndAsync(cancellation);
    }

    /// <summary>Decodes rows as they come, one after another.</summary>
    public EventDecoder Decoder() => new(this, keys);

    /// <summary>
    /// The event of a row; null where keys have to be looked up first, which <paramref name="missing"/>, empty before,
    /// then holds.
    /// </summary>
    internal (string Name, IEvent Data)? Read(in StoredEvent row, HashSet<long> missing)
    {
        var json = row.Data.Span;
        if (PersonalJson.MayHold(json))
        {
            var tree = PersonalJson.Reveal(JsonNode.Parse(json), keys, missing);
            if (missing.Count > 0) return null;
            json = JsonSerializer.SerializeToUtf8Bytes(tree);
        }

        return upcasters.Concerns(row.Name)
            ? upcasters.Upcast(row.Name, json)
            : (row.Name, (IEvent)MessageTypes.Read(row.Name, json));
    }

    private async ValueTask<byte[]> WriteAsync(string tenant, IEvent data, CancellationToken cancellation)
    {
        var json = MessageTypes.Write(data);
        var fields = PersonalJson.FieldsOf(data.GetType());
        if (fields.Length == 0) return json;
        var tree = JsonNode.Parse(json)!.AsObject();
        foreach (var field in fields)
        {
            if (field.TextOf(data) is not { Length: > 0 } text) continue;
            var subject = field.SubjectOf(data) is { Length: > 0 } named ? named : text;
            tree[field.Name] = PersonalJson.Protect(await keys.OfAsync(tenant, subject, cancellation), text);
        }

        return JsonSerializer.SerializeToUtf8Bytes((JsonNode)tree);
    }
}
