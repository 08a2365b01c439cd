using System.Text.Json;
using EventStream.Contracts;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Which table a record goes to. What no reader knows, or what is not the message that it says it is, becomes a dead
/// letter with its bytes and the cause; nothing is dropped.
/// </summary>
public static class RecordRouter
{
    private const string Group = "warehouse";

    /// <summary>
    /// Every topic that the warehouse stores: all but the commands, whose events tell the same story.
    /// </summary>
    public static readonly IReadOnlyList<Topic> StoredTopics =
        [.. Topics.All.Except([Topics.EncodeCommands, Topics.EncodeCommandsFirst])];

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
            AddDomainEvent(record, batch);
        else if (message is ForecastPublished forecast)
            AddForecast(record, batch, forecast);
        else if (message is SessionFinished session)
            AddSession(record, batch, session);
        else
            Add(record, batch, message);
    }

    private static void Add(SinkRecord record, SinkBatch batch, IMessage message)
    {
        (string Table, Action<RowWriter> Write)? row = message switch
        {
            BeaconReceived beacon => (TableRows.Beacons, row => TableRows.Write(row, beacon)),
            CdnRequestServed request => (TableRows.Requests, row => TableRows.Write(row, request)),
            QoeWindowClosed window => (TableRows.Windows, row => TableRows.Write(row, window)),
            SessionUpdated update => (TableRows.SessionUpdates, row => TableRows.Write(row, update)),
            QoeAlertRaised alert => (TableRows.Alerts, row => TableRows.Write(row, alert)),
            LoadMeasured load => (TableRows.Load, row => TableRows.Write(row, load)),
            ScaleDecided scale => (TableRows.Decisions, row => TableRows.Write(row, scale)),
            SteeringDecided steering => (TableRows.Decisions, row => TableRows.Write(row, steering)),
            OperatorActed acted => (TableRows.OperatorActions, row => TableRows.Write(row, acted)),
            RecordDeadLettered letter => (TableRows.DeadLetters, row => TableRows.Write(row, letter)),
            _ => null,
        };
        if (row is { } stored) batch.Add(stored.Table, record, stored.Write);
        else AddDeadLetter(record, batch, $"No table stores {record.Type} from {record.Topic}.");
    }

    private static void AddDomainEvent(SinkRecord record, SinkBatch batch) => batch.Add(
        TableRows.DomainEvents, record, row => row
            .Text("video_id", record.KeyText).Text("type", record.Type).Time("time", record.Time)
            .Json("data", record.Value));

    private static void AddSession(SinkRecord record, SinkBatch batch, SessionFinished session)
    {
        batch.Add(TableRows.Sessions, record, row => TableRows.Write(row, session));
        foreach (var part in session.Edges?.OfType<SessionEdge>() ?? [])
            batch.Add(TableRows.SessionEdges, record, row => TableRows.Write(row, session, part));
    }

    private static void AddForecast(SinkRecord record, SinkBatch batch, ForecastPublished forecast)
    {
        for (var step = 0; step < forecast.Steps.Count; step++)
        {
            var index = step;
            batch.Add(TableRows.Forecasts, record, row => TableRows.Write(row, forecast, index));
        }
    }

    /// <summary>Adds a record that cannot be stored where it belongs to the dead letters.</summary>
    public static void AddDeadLetter(SinkRecord record, SinkBatch batch, string cause)
    {
        var letter = new RecordDeadLettered(
            record.Topic, record.Partition, record.Offset, Group, record.Type, cause,
            Convert.ToBase64String(record.Key), Convert.ToBase64String(record.Value), record.Time);
        batch.Add(TableRows.DeadLetters, record, row => TableRows.Write(row, letter));
    }
}
