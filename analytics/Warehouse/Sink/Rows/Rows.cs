using System.Text;
using EventStream.Contracts;

namespace EventStream.Warehouse.Sink.Rows;

// Rows that are not the message itself. Their properties are the columns; see Table.

/// <summary>A row of <c>es.domain_events</c>: an event of a video as it was published.</summary>
internal sealed record DomainEventRow(string VideoId, string Type, DateTimeOffset Time, string Data)
{
    public static DomainEventRow Of(SinkRecord record) =>
        new(Encoding.UTF8.GetString(record.Key), record.Type, record.Time, Encoding.UTF8.GetString(record.Value));
}

/// <summary>A row of <c>es.session_edges</c>: what of a session happened at one edge.</summary>
internal sealed record SessionEdgeRow(
    string SessionId,
    DateTimeOffset StartedAt,
    DateTimeOffset EndedAt,
    string VideoId,
    string Device,
    string Player,
    SessionEdge Part
)
{
    public static IEnumerable<SessionEdgeRow> Of(SessionFinished session) =>
        from part in session.Edges?.OfType<SessionEdge>() ?? []
        let subject = session.Subject
        select new SessionEdgeRow(
            session.SessionId,
            session.StartedAt,
            session.EndedAt,
            subject.VideoId,
            subject.Device,
            subject.Player,
            part
        );
}

/// <summary>A row of <c>es.forecasts</c>: one step of a forecast. Steps count from 1.</summary>
internal sealed record ForecastRow(
    string Resource,
    DateTimeOffset Origin,
    double StepSeconds,
    string Model,
    int HistorySteps,
    IReadOnlyDictionary<string, double> Weights,
    int Step,
    ForecastStep Expected
)
{
    public static IEnumerable<ForecastRow> Of(ForecastPublished forecast) =>
        forecast.Steps.Select(
            (step, index) =>
                new ForecastRow(
                    forecast.Resource,
                    forecast.Origin,
                    forecast.StepSeconds,
                    forecast.Model,
                    Math.Max(0, forecast.HistorySteps),
                    forecast.Weights,
                    index + 1,
                    step
                )
        );
}

/// <summary>A row of <c>es.decisions</c>: a scaling or a steering decision; the other's columns are empty.</summary>
internal sealed record DecisionRow(string Kind, DateTimeOffset Time, string Target, string Rule, string Reason)
{
    public string? Resource { get; init; }
    public int? CurrentReplicas { get; init; }
    public int? DesiredReplicas { get; init; }
    public double? LastLoad { get; init; }
    public double? ForecastLoad { get; init; }
    public bool? Applied { get; init; }
    public string? Error { get; init; }
    public IReadOnlyList<string>? PathwayPriority { get; init; }
    public IReadOnlyDictionary<string, double>? Health { get; init; }

    public static DecisionRow Of(ScaleDecided scale) =>
        new("scale", scale.Time, scale.Target, scale.Rule, scale.Reason)
        {
            Resource = scale.Resource,
            CurrentReplicas = scale.CurrentReplicas,
            DesiredReplicas = scale.DesiredReplicas,
            LastLoad = scale.LastLoad,
            ForecastLoad = scale.ForecastLoad,
            Applied = scale.Applied,
            Error = scale.Error,
        };

    public static DecisionRow Of(SteeringDecided steering) =>
        new("steering", steering.DecidedAt, steering.Policy, steering.Policy, steering.Reason)
        {
            PathwayPriority = steering.PathwayPriority,
            Health = steering.Health,
        };
}

/// <summary>A row of <c>es.operator_actions</c>.</summary>
internal sealed record OperatorActionRow(
    DateTimeOffset Time,
    string Action,
    string Target,
    string Who,
    string Role,
    string Reason,
    string? Detail
)
{
    public static OperatorActionRow Of(OperatorActed acted) =>
        new(acted.At, acted.Action, acted.Target, acted.Who, acted.Role, acted.Reason, acted.Detail);
}

/// <summary>A row of <c>es.dead_letters</c>.</summary>
internal sealed record DeadLetterRow(
    DateTimeOffset Time,
    string SourceTopic,
    int SourcePartition,
    long SourceOffset,
    string ConsumerGroup,
    string Type,
    string Cause,
    string KeyBase64,
    string ValueBase64
)
{
    public static DeadLetterRow Of(RecordDeadLettered letter) =>
        new(
            letter.At,
            letter.Topic,
            Math.Max(0, letter.Partition),
            letter.Offset,
            letter.Group,
            letter.Type,
            letter.Cause,
            letter.KeyBase64,
            letter.ValueBase64
        );

    /// <summary>A record that the sink itself cannot store where it belongs.</summary>
    public static DeadLetterRow Of(SinkRecord record, string cause) =>
        new(
            record.Time,
            record.Topic,
            record.Partition,
            record.Offset,
            "warehouse",
            record.Type,
            cause,
            Convert.ToBase64String(record.Key),
            Convert.ToBase64String(record.Value)
        );
}
