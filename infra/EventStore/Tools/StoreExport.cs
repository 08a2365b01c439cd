using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;

namespace EventStream.EventStore.Tools;

/// <summary>
/// Writes events as NDJSON, one event a line in UTF-8: position, tenant, stream, version, id, type,
/// recordedAt, metadata, data; personal data is decrypted. The lines are in order of position, or of version where one
/// stream is exported.
/// </summary>
public sealed class StoreExport(DaemonServices services)
{
    private const int BatchMax = 1000;

    /// <summary>
    /// Exports what is stored at the time of the call: the events after a position, or of a stream after a version.
    /// Returns their number; <paramref name="progress"/> is told it on the way. Transactions that are open then are
    /// waited for; throws <see cref="OpenTransactionException"/> where one stays open.
    /// </summary>
    public async Task<long> RunAsync(
        Stream output, string? stream, ExportPoint after, IProgress<long>? progress, CancellationToken cancellation,
        string tenant = Tenants.Default)
    {
        var count = 0L;
        var events = stream is null
            ? AllAsync(after.Position, cancellation)
            : services.Store.ForTenant(tenant).FetchStreamAsync(
                stream, new StreamRange { FromVersion = after.Version + 1, IncludeArchived = true }, cancellation);
        await foreach (var recorded in events)
        {
            WriteLine(output, recorded);
            if (++count % BatchMax != 0) continue;
            await output.FlushAsync(cancellation);
            progress?.Report(count);
        }

        await output.FlushAsync(cancellation);
        progress?.Report(count);
        return count;
    }

    /// <summary>
    /// Where an earlier export into a file ended; what is behind its last whole line, which a kill may have left, is
    /// cut off. Throws <see cref="InvalidDataException"/> where the file is no export.
    /// </summary>
    public static async Task<ExportPoint> ResumeAsync(FileStream file, CancellationToken cancellation)
    {
        var end = await LastLineEndAsync(file, cancellation);
        file.SetLength(end);
        file.Position = end;
        if (end == 0) return default;
        var start = await LineStartAsync(file, end, cancellation);
        var line = new byte[end - start];
        file.Position = start;
        await file.ReadExactlyAsync(line, cancellation);
        try
        {
            using var json = JsonDocument.Parse(line);
            return new ExportPoint(
                json.RootElement.GetProperty("position").GetInt64(),
                    json.RootElement.GetProperty("version").GetInt64());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"The last line of '{file.Name}' is no exported event: name another file, or remove it.", e);
        }
    }

    private async IAsyncEnumerable<RecordedEvent> AllAsync(
        long after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var upTo = await services.SettleAsync(cancellation);
        var pages = new EventPages(services.Store, services.Source);
        await foreach (var page in pages.ReadTo(after, upTo, BatchMax, cancellation))
        {
            if (page.Bad is { } bad)
                throw new InvalidDataException($"The event at position {bad.Recorded.Position} cannot be read: "
                    + $"{bad.Cause.Message} Update this program.", bad.Cause);
            foreach (var recorded in page.Events) yield return recorded;
        }
    }

    private static void WriteLine(Stream output, RecordedEvent recorded)
    {
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteNumber("position", recorded.Position);
            json.WriteString("tenant", recorded.Tenant);
            json.WriteString("stream", recorded.Stream);
            json.WriteNumber("version", recorded.Version);
            json.WriteString("id", recorded.Id);
            json.WriteString("type", recorded.WireName);
            json.WriteString("recordedAt", recorded.RecordedAt);
            WriteMetadata(json, recorded.Metadata);
            json.WritePropertyName("data");
            json.WriteRawValue(MessageTypes.Write(recorded.Data));
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }

    private static void WriteMetadata(Utf8JsonWriter json, EventMetadata metadata)
    {
        json.WriteStartObject("metadata");
        if (metadata.TraceParent is { } trace) json.WriteString("traceparent", trace);
        if (metadata.Correlation is { } correlation) json.WriteString("correlation", correlation);
        if (metadata.Causation is { } causation) json.WriteString("causation", causation);
        if (metadata.Actor is { } actor) json.WriteString("actor", actor);
        foreach (var (name, value) in metadata.Headers) json.WriteString(name, value);
        json.WriteEndObject();
    }

    /// <summary>The length of the file up to and with its last line feed.</summary>
    private static Task<long> LastLineEndAsync(FileStream file, CancellationToken cancellation) =>
        LineStartAsync(file, file.Length + 1, cancellation);

    /// <summary>The place after the last line feed before <paramref name="end"/> - 1.</summary>
    private static async Task<long> LineStartAsync(FileStream file, long end, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        for (var to = end - 1; to > 0;)
        {
            var from = Math.Max(0, to - buffer.Length);
            var part = buffer.AsMemory(0, (int)(to - from));
            file.Position = from;
            await file.ReadExactlyAsync(part, cancellation);
            var found = part.Span.LastIndexOf((byte)'\n');
            if (found >= 0) return from + found + 1;
            to = from;
        }

        return 0;
    }
}

/// <summary>The last event of an export: its position in the store and its version in its stream.</summary>
public readonly record struct ExportPoint(long Position, long Version);
