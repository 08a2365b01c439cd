using System.Text.Json;
using EventStream.Contracts;
using EventStream.Warehouse.Sink.Rows;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Which rows a record becomes. What no reader knows, or what is not the message that it says it is, becomes a dead
/// letter with its bytes and the cause; nothing is dropped.
/// </summary>
public static class RecordRouter
{
    /// <summary>
    /// Every topic that the warehouse stores: all but the commands, whose events say the same.
    /// </summary>
    public static readonly IReadOnlyList<Topic> StoredTopics =
    [
        .. Topics.All.Except([Topics.EncodeCommands, Topics.EncodeCommandsFirst]),
    ];

    /// <summary>The rows of a record, each with its table.</summary>
    public static IReadOnlyList<(Table Table, StoredRow Row)> Route(SinkRecord record)
    {
        try
        {
            return [.. Rows(record, MessageTypes.Read(record.Type, record.Value)).Select(row => Stored(row, record))];
        }
        catch (Exception e) when (e is UnknownMessageException or JsonException)
        {
            return [DeadLetter(record, e.Message)];
        }
        catch (Exception e) when (e is NullReferenceException or ArgumentException or InvalidOperationException)
        {
            // Old shapes may lack members that the record declares as present; one such message must not stop the rest.
            return [DeadLetter(record, $"A {record.Type} lacks what its table needs: {e.Message}")];
        }
    }

    /// <summary>The row of a record that cannot be stored where it belongs.</summary>
    public static (Table Table, StoredRow Row) DeadLetter(SinkRecord record, string cause) =>
        Stored(DeadLetterRow.Of(record, cause), record);

    private static (Table, StoredRow) Stored(object row, SinkRecord record) =>
        Tables.Of(row) is { } table
            ? (table, table.Read(row, record))
            : DeadLetter(record, $"No table stores {record.Type} from {record.Topic}.");

    private static IEnumerable<object> Rows(SinkRecord record, IMessage message) =>
        message switch
        {
            _ when record.Topic == Topics.VideoEvents.Name || record.Topic == Topics.EncodeEvents.Name =>
            [
                DomainEventRow.Of(record),
            ],
            BeaconReceived { Version: < 0 or > byte.MaxValue } beacon =>
            [
                beacon with
                {
                    Version = Math.Clamp(beacon.Version, 0, byte.MaxValue),
                },
            ],
            CdnRequestServed request and ({ Status: < 0 or > ushort.MaxValue } or { Bytes: < 0 }) =>
            [
                request with
                {
                    Status = Math.Clamp(request.Status, 0, ushort.MaxValue),
                    Bytes = Math.Max(0, request.Bytes),
                },
            ],
            SessionFinished session => [session, .. SessionEdgeRow.Of(session)],
            ForecastPublished forecast => ForecastRow.Of(forecast),
            ScaleDecided scale => [DecisionRow.Of(scale)],
            SteeringDecided steering => [DecisionRow.Of(steering)],
            OperatorActed acted => [OperatorActionRow.Of(acted)],
            RecordDeadLettered letter => [DeadLetterRow.Of(letter)],
            _ => [message],
        };
}
