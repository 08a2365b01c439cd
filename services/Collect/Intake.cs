using System.Diagnostics.Metrics;
using System.Text;
using Confluent.Kafka;
using EventStream.Collect.CdnLogs;
using EventStream.Collect.Cmcd;
using EventStream.Contracts;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;

namespace EventStream.Collect;

/// <summary>How many records of a batch were stored, and the first that was refused.</summary>
/// <param name="Taken">Records on their topic.</param>
/// <param name="Foreign">Records kept as dead letters that name an edge that is not the sender.</param>
/// <param name="FirstBadRecord">The place of the first bad record in the body, counted from 1.</param>
/// <param name="FirstCause">What is wrong with it.</param>
public sealed record IntakeResult(int Taken, int Foreign, int FirstBadRecord, string? FirstCause);

/// <summary>A record of a body as it was read: a message with its key, or what is wrong with it.</summary>
internal readonly record struct ReadRecord(
    string Line,
    IMessage? Message,
    string Key,
    string? EventId,
    string? Cause,
    bool IsForeign = false
);

/// <summary>
/// Reads records and publishes them: good ones on their topic, bad ones as dead letters, each exactly once a call. The
/// record's timestamp in Kafka is the arrival, never a client's clock; the client's time stays in the event.
/// </summary>
public sealed class Intake(BeaconReader beacons, AccessLogReader logs, IEventPublisher publisher, TimeProvider clock)
{
    /// <summary>Bytes of a bad record that its dead letter keeps; Kafka takes no record over one MiB.</summary>
    public const int DeadLetterBytesMax = 64 * 1024;

    private static readonly Counter<long> Taken = Telemetry.Meter.CreateCounter<long>(
        "eventstream.collect.records",
        description: "Records by topic and outcome."
    );

    /// <summary>Reads CMCD records.</summary>
    internal List<ReadRecord> ReadBeacons(IReadOnlyList<string> lines, BeaconContext context) =>
        Read(
            lines,
            line =>
                beacons.TryRead(line, context, out var error) is { } beacon
                    ? new ReadRecord(line, beacon, beacon.SessionId, null, null)
                    : new ReadRecord(line, null, "", null, error)
        );

    /// <summary>Reads lines of an edge's access log.</summary>
    internal List<ReadRecord> ReadLogLines(IReadOnlyList<string> lines, LogSource source) =>
        Read(
            lines,
            line =>
            {
                if (logs.TryRead(line, source, out var fault) is not { } request)
                    return new ReadRecord(line, null, "", null, fault!.Value.Cause, fault.Value.IsForeign);
                // The edge's request id names the event, so that readers recognize a line that is read twice.
                var id = request.RequestId.Length > 0 ? $"{request.Edge}/{request.RequestId}" : null;
                return new ReadRecord(line, request, request.SessionId ?? request.Edge, id, null);
            }
        );

    /// <summary>
    /// Publishes what was read. Ends when all is acknowledged; throws <see cref="PublishException"/> where Kafka does
    /// not take records.
    /// </summary>
    internal async Task<IntakeResult> PublishAsync(
        Topic topic,
        IReadOnlyList<ReadRecord> read,
        CancellationToken cancellation
    )
    {
        var arrival = clock.GetUtcNow();
        var causes = read.Select(record => record.Cause).ToArray();
        var sent = new Task<Exception?>?[read.Count];
        for (var i = 0; i < read.Count; i++)
            sent[i] = causes[i] is null ? await SendAsync(topic, read[i], arrival, cancellation) : null;
        for (var i = 0; i < read.Count; i++)
        {
            if (sent[i] is { } outcome)
                causes[i] = CauseOf(await outcome.WaitAsync(cancellation));
        }

        var bad = Enumerable.Range(0, read.Count).Where(i => causes[i] is not null).ToList();
        if (bad.Count > 0)
        {
            var letters = bad.Select(i => Letter(topic, read[i].Line, causes[i]!, arrival));
            await Task.WhenAll(
                letters.Select(letter =>
                    publisher.PublishAsync(Topics.DeadLetters, topic.Name, letter, arrival, cancellation)
                )
            );
        }

        Taken.Add(read.Count - bad.Count, new("topic", topic.Name), new("outcome", "taken"));
        Taken.Add(bad.Count, new("topic", topic.Name), new("outcome", "malformed"));
        return new IntakeResult(
            read.Count - bad.Count,
            read.Count(record => record.IsForeign),
            bad.Count > 0 ? bad[0] + 1 : 0,
            bad.Count > 0 ? causes[bad[0]] : null
        );
    }

    /// <summary>A record that a reader cannot take, whatever the reason, is one bad record.</summary>
    private static List<ReadRecord> Read(IReadOnlyList<string> lines, Func<string, ReadRecord> read)
    {
        var all = new List<ReadRecord>(lines.Count);
        foreach (var line in lines)
        {
            try
            {
                all.Add(read(line));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                all.Add(new ReadRecord(line, null, "", null, $"not readable: {e.Message}"));
            }
        }

        return all;
    }

    /// <summary>
    /// Waits until the record has its place among those in flight, and returns the task of its outcome: null where it
    /// is stored.
    /// </summary>
    private async Task<Task<Exception?>> SendAsync(
        Topic topic,
        ReadRecord record,
        DateTimeOffset arrival,
        CancellationToken cancellation
    )
    {
        var done = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await publisher.SendAsync(
                topic,
                record.Key,
                record.Message!,
                arrival,
                done.SetResult,
                cancellation,
                record.EventId is { } id ? new PublishOptions(id) : null
            );
        }
        catch (Exception e) when (e is not OperationCanceledException and not ObjectDisposedException)
        {
            // It could not be written as an event: nothing was sent.
            done.TrySetResult(e);
        }

        return done.Task;
    }

    /// <summary>
    /// What is wrong with a record by the outcome of sending it. Of a batch that Kafka refused for one record the
    /// publisher has sent each by itself, so that a refusal is of the record. Throws what Kafka says of itself.
    /// </summary>
    private static string? CauseOf(Exception? outcome) =>
        outcome switch
        {
            null => null,
            PublishException refusal when IsOfRecord(refusal.Error.Code) =>
                $"Kafka refuses the record: {refusal.Error.Reason}",
            PublishException away => throw away,
            _ => $"cannot be written as an event: {outcome.Message}",
        };

    private static bool IsOfRecord(ErrorCode code) =>
        code
            is ErrorCode.MsgSizeTooLarge
                or ErrorCode.RecordListTooLarge
                or ErrorCode.InvalidMsg
                or ErrorCode.InvalidMsgSize
                or ErrorCode.InvalidTimestamp
                or ErrorCode.InvalidRecord
                or ErrorCode.Local_BadMsg
                or ErrorCode.Local_InvalidArg;

    private static RecordDeadLettered Letter(Topic topic, string line, string cause, DateTimeOffset at)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        if (bytes.Length > DeadLetterBytesMax)
            (cause, bytes) = (
                $"{cause} (the first {DeadLetterBytesMax} of {bytes.Length} bytes are kept)",
                bytes[..DeadLetterBytesMax]
            );
        // There is no record behind a line that was refused, so it has no partition and offset.
        return new RecordDeadLettered(topic.Name, -1, -1, "collect", "", cause, "", Convert.ToBase64String(bytes), at);
    }
}
