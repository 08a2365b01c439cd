using System.Diagnostics.Metrics;
using System.Text;
using EventStream.Collect.CdnLogs;
using EventStream.Collect.Cmcd;
using EventStream.Contracts;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;

namespace EventStream.Collect;

/// <summary>How many records of a batch were stored, and the first that could not be read.</summary>
public sealed record IntakeResult(int Taken, int Bad, int FirstBadLine, string? FirstCause);

/// <summary>
/// Publishes what was heard: good records on their topic, malformed ones as dead letters, each exactly once a call.
/// </summary>
public sealed class Intake(BeaconReader beacons, AccessLogReader logs, IEventPublisher publisher, TimeProvider clock)
{
    private static readonly Counter<long> Taken =
        Telemetry.Meter.CreateCounter<long>("eventstream.collect.records",
            description: "Records by topic and outcome.");

    /// <summary>
    /// Publishes CMCD records. Ends when all are acknowledged; throws <see cref="PublishException"/> otherwise.
    /// </summary>
    public Task<IntakeResult> BeaconsAsync(
        IReadOnlyList<string> lines, BeaconContext context, CancellationToken cancellation) =>
        TakeAsync(Topics.PlaybackBeacons, lines, line =>
        {
            var beacon = beacons.TryRead(line, context, out var error);
            return new Heard(beacon, beacon?.SessionId, beacon?.Time ?? default, null, error);
        }, cancellation);

    /// <summary>Publishes lines of an edge's access log. Ends when all are acknowledged.</summary>
    public Task<IntakeResult> LogLinesAsync(IReadOnlyList<string> lines, CancellationToken cancellation) =>
        TakeAsync(Topics.CdnRequests, lines, line =>
        {
            var request = logs.TryRead(line, out var error);
            // The edge's request id names the event, so that a line read twice is told by its readers.
            var id = request is { RequestId.Length: > 0 } ? $"{request.Edge}/{request.RequestId}" : null;
            return new Heard(request, request?.SessionId ?? request?.Edge, request?.Time ?? default, id, error);
        }, cancellation);

    private async Task<IntakeResult> TakeAsync(
        Topic topic, IReadOnlyList<string> lines, Func<string, Heard> read, CancellationToken cancellation)
    {
        var batch = new PublishBatch(publisher);
        var (taken, bad, firstBad, firstCause) = (0, 0, 0, (string?)null);
        for (var i = 0; i < lines.Count; i++)
        {
            var heard = read(lines[i]);
            if (heard.Message is not null)
            {
                taken++;
                await batch.AddAsync(
                    topic, heard.Key!, heard.Message, heard.Time, cancellation,
                    heard.EventId is { } id ? new PublishOptions(id) : null);
                continue;
            }

            if (bad++ == 0) (firstBad, firstCause) = (i + 1, heard.Error);
            await DeadLetterAsync(batch, topic, lines[i], heard.Error!, cancellation);
        }

        await batch.CompleteAsync(cancellation);
        Taken.Add(taken, new("topic", topic.Name), new("outcome", "taken"));
        Taken.Add(bad, new("topic", topic.Name), new("outcome", "malformed"));
        return new IntakeResult(taken, bad, firstBad, firstCause);
    }

    private ValueTask DeadLetterAsync(
        PublishBatch batch, Topic topic, string line, string cause, CancellationToken cancellation)
    {
        // There is no record behind a line that was refused, hence no partition and offset.
        var letter = new RecordDeadLettered(
            topic.Name, -1, -1, "collect", "", cause, "", Convert.ToBase64String(Encoding.UTF8.GetBytes(line)),
            clock.GetUtcNow());
        return batch.AddAsync(Topics.DeadLetters, topic.Name, letter, letter.At, cancellation);
    }

    private readonly record struct Heard(
        IMessage? Message, string? Key, DateTimeOffset Time, string? EventId, string? Error);
}
