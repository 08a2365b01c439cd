using System.Text.Json;
using EventStream.Contracts;
using EventStream.Warehouse.Sink.Rows;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Which table a record goes to. What no reader knows, or what is not the message that it says it is, becomes a dead
/// letter with its bytes and the cause; nothing is dropped.
/// </summary>
public static class RecordRouter
{
    private const string Group = "warehouse";

    /// <summary>
    /// Every topic that the warehouse stores: all but the commands, whose events say the same.
    /// </summary>
    public static readonly IReadOnlyList<Topic> StoredTopics =
    [
        .. Topics.All.Except([Topics.EncodeCommands, Topics.EncodeCommandsFirst]),
    ];

    /// <summary>Adds the record's rows to the batch.</summary>
    public static void Route(SinkRecord record, SinkBatch batch)
    {
        IMessage message;
        try
        {
            message = MessageTypes.Read(record.Type, record.Value);
        }
        catch (Exception e) when (e is UnknownMessageException or JsonException)
        {
            AddDeadLetter(record, batch, e.Message);
            return;
        }

        try
        {
            AddRows(record, batch, message);
        }
        catch (Exception e) when (e is NullReferenceException or ArgumentException or InvalidOperationException)
        {
            // Old shapes may lack members that the record declares as present; one such message must not stop the rest.
            AddDeadLetter(record, batch, $"A {record.Type} lacks what its table needs: {e.Message}");
        }
    }

    private static void AddRows(SinkRecord record, SinkBatch batch, IMessage message)
    {
        if (record.Topic == Topics.VideoEvents.Name || record.Topic == Topics.EncodeEvents.Name)
            batch.Add(Tables.DomainEvents, new DomainEventRow(record));
        else if (message is ForecastPublished forecast)
            AddForecast(record, batch, forecast);
        else if (message is SessionFinished session)
            AddSession(record, batch, session);
        else
            Add(record, batch, message);
    }

    private static void Add(SinkRecord record, SinkBatch batch, IMessage message)
    {
        switch (message)
        {
            case BeaconReceived beacon:
                batch.Add(Tables.Beacons, new BeaconRow(record, beacon));
                break;
            case CdnRequestServed request:
                batch.Add(Tables.Requests, new RequestRow(record, request));
                break;
            case QoeWindowClosed window:
                batch.Add(Tables.Windows, new WindowRow(record, window));
                break;
            case SessionUpdated update:
                batch.Add(Tables.SessionUpdates, new SessionUpdateRow(record, update));
                break;
            case QoeAlertRaised alert:
                batch.Add(Tables.Alerts, new AlertRow(record, alert));
                break;
            case LoadMeasured load:
                batch.Add(Tables.Load, new LoadRow(record, load));
                break;
            case ScaleDecided scale:
                batch.Add(Tables.Decisions, new DecisionRow(record, scale));
                break;
            case SteeringDecided steering:
                batch.Add(Tables.Decisions, new DecisionRow(record, steering));
                break;
            case OperatorActed acted:
                batch.Add(Tables.OperatorActions, new OperatorActionRow(record, acted));
                break;
            case RecordDeadLettered letter:
                batch.Add(Tables.DeadLetters, new DeadLetterRow(record, letter));
                break;
            default:
                AddDeadLetter(record, batch, $"No table stores {record.Type} from {record.Topic}.");
                break;
        }
    }

    private static void AddSession(SinkRecord record, SinkBatch batch, SessionFinished session)
    {
        batch.Add(Tables.Sessions, new SessionRow(record, session));
        foreach (var part in session.Edges?.OfType<SessionEdge>() ?? [])
            batch.Add(Tables.SessionEdges, new SessionEdgeRow(record, session, part));
    }

    private static void AddForecast(SinkRecord record, SinkBatch batch, ForecastPublished forecast)
    {
        var rows = forecast.Steps.Select((_, index) => new ForecastRow(record, forecast, index)).ToList();
        foreach (var row in rows)
            batch.Add(Tables.Forecasts, row);
    }

    /// <summary>Adds a record that cannot be stored where it belongs to the dead letters.</summary>
    public static void AddDeadLetter(SinkRecord record, SinkBatch batch, string cause)
    {
        var letter = new RecordDeadLettered(
            record.Topic,
            record.Partition,
            record.Offset,
            Group,
            record.Type,
            cause,
            Convert.ToBase64String(record.Key),
            Convert.ToBase64String(record.Value),
            record.Time
        );
        batch.Add(Tables.DeadLetters, new DeadLetterRow(record, letter));
    }
}
