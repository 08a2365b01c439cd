using EventStream.Contracts;

namespace EventStream.Warehouse.Sink.Rows;

/// <summary>The tables that the sink fills, and the record of which each holds rows.</summary>
public static class Tables
{
    public static readonly Table DeadLetters = new("es.dead_letters", typeof(DeadLetterRow));

    /// <summary>Every table that the sink fills; the names are those of the schema's SQL.</summary>
    public static readonly IReadOnlyList<Table> All =
    [
        new("es.beacons", typeof(BeaconReceived)),
        new("es.requests", typeof(CdnRequestServed)),
        new("es.qoe_windows", typeof(QoeWindowClosed)),
        new("es.sessions", typeof(SessionFinished)),
        new("es.session_edges", typeof(SessionEdgeRow)),
        new("es.session_updates", typeof(SessionUpdated)),
        new("es.alerts", typeof(QoeAlertRaised)),
        new("es.operator_actions", typeof(OperatorActionRow)),
        new("es.domain_events", typeof(DomainEventRow)),
        new("es.load", typeof(LoadMeasured)),
        new("es.forecasts", typeof(ForecastRow)),
        new("es.decisions", typeof(DecisionRow)),
        DeadLetters,
    ];

    private static readonly Dictionary<Type, Table> ByRow = All.ToDictionary(table => table.Row);

    /// <summary>The table of a record, or null where it has none.</summary>
    public static Table? Of(object row) => ByRow.GetValueOrDefault(row.GetType());
}
