using EventStream.EventStore.Privacy;
using Marten;

namespace EventStream.EventStore;

/// <summary>How <see cref="EventMetadata"/> is kept in Marten's columns; who acted is kept encrypted.</summary>
public static class StoredMetadata
{
    /// <summary>The header with the W3C trace context.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>Sets it on a session, for every message that the session saves.</summary>
    public static async ValueTask WriteAsync(
        this EventMetadata metadata,
        IDocumentSession session,
        PersonalData personal,
        CancellationToken cancellation
    )
    {
        session.CorrelationId = metadata.Correlation;
        session.CausationId = metadata.Causation;
        session.LastModifiedBy = metadata.Actor is { } actor
            ? await personal.ProtectAsync(actor, actor, cancellation)
            : null;
        foreach (var (name, value) in metadata.Headers)
            session.SetHeader(name, value);
        if (metadata.TraceParent is { } trace)
            session.SetHeader(TraceParent, trace);
    }

    /// <summary>Sets it on one message that is stored as it comes, such as an imported one.</summary>
    public static async ValueTask WriteAsync(
        this EventMetadata metadata,
        JasperFx.Events.IEvent e,
        PersonalData personal,
        CancellationToken cancellation
    )
    {
        (e.CorrelationId, e.CausationId) = (metadata.Correlation, metadata.Causation);
        e.UserName = metadata.Actor is { } actor ? await personal.ProtectAsync(actor, actor, cancellation) : null;
        foreach (var (name, value) in metadata.Headers)
            e.SetHeader(name, value);
        if (metadata.TraceParent is { } trace)
            e.SetHeader(TraceParent, trace);
    }

    /// <summary>Reads it from a stored message.</summary>
    public static EventMetadata MetadataOf(this PersonalData personal, JasperFx.Events.IEvent e)
    {
        var headers = (e.Headers ?? [])
            .Where(header => header.Key != TraceParent)
            .ToDictionary(header => header.Key, header => $"{header.Value}");
        return new EventMetadata(
            e.GetHeader(TraceParent)?.ToString(),
            e.CorrelationId,
            e.CausationId,
            personal.Reveal(e.UserName)
        )
        {
            Headers = headers,
        };
    }
}
