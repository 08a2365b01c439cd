namespace EventStream.Warehouse.Sink.Rows;

/// <summary>The tables that the sink fills; the names are those of the schema's SQL.</summary>
public static class Tables
{
    public const string Beacons = "es.beacons",
        Requests = "es.requests",
        Windows = "es.qoe_windows",
        Sessions = "es.sessions",
        SessionEdges = "es.session_edges",
        SessionUpdates = "es.session_updates",
        Alerts = "es.alerts",
        OperatorActions = "es.operator_actions",
        DomainEvents = "es.domain_events",
        Load = "es.load",
        Forecasts = "es.forecasts",
        Decisions = "es.decisions",
        DeadLetters = "es.dead_letters";

    /// <summary>Every table that the sink fills.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        Beacons,
        Requests,
        Windows,
        Sessions,
        SessionEdges,
        SessionUpdates,
        Alerts,
        OperatorActions,
        DomainEvents,
        Load,
        Forecasts,
        Decisions,
        DeadLetters,
    ];
}
