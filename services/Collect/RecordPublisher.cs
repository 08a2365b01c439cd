using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging.Kafka;

namespace EventStream.Collect;

/// <summary>A record to publish; <paramref name="Arrival"/> becomes its timestamp.</summary>
internal sealed record OutgoingRecord(
    Topic Topic,
    string Key,
    IMessage Message,
    DateTimeOffset Arrival,
    string? EventId
);

/// <summary>
/// Publishes records of many clients so that one which Kafka refuses for its own fault costs no other. A refused batch
/// may hold good records beside the bad one: each is sent once more by itself, and only what is refused again is bad.
/// </summary>
internal sealed class RecordPublisher(IEventPublisher publisher)
{
    /// <summary>
    /// Times that a record is sent by itself before it counts as bad: its batch may hold another client's bad record.
    /// </summary>
    private const int AttemptsAlone = 3;

    // One at a time, for all requests, so that no two suspects meet in a batch.
    private readonly SemaphoreSlim alone = new(1);

    /// <summary>
    /// Publishes all and returns the places of those that are refused for good, with the cause. Throws
    /// <see cref="PublishException"/> where Kafka does not take records now.
    /// </summary>
    public async Task<List<(int Place, string Cause)>> PublishAsync(
        IReadOnlyList<OutgoingRecord> records,
        CancellationToken cancellation
    )
    {
        var sending = new Task<Exception?>[records.Count];
        for (var i = 0; i < records.Count; i++)
            sending[i] = await PlaceAsync(records[i], cancellation);
        var outcomes = await Task.WhenAll(sending).WaitAsync(cancellation);
        if (outcomes.FirstOrDefault(outcome => outcome is PublishException e && !IsOwnFault(e.Error.Code)) is { } away)
            throw away;
        var refused = new List<(int, string)>();
        for (var i = 0; i < records.Count; i++)
        {
            var cause =
                outcomes[i] is PublishException ? await SendAloneAsync(records[i], cancellation)
                : outcomes[i] is { } fault ? $"cannot be written as an event: {fault.Message}"
                : null;
            if (cause is not null)
                refused.Add((i, cause));
        }

        return refused;
    }

    /// <summary>
    /// Waits until the record has its place among those in flight, and returns the task of its outcome: null where it
    /// is stored.
    /// </summary>
    private async Task<Task<Exception?>> PlaceAsync(OutgoingRecord record, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await publisher.SendAsync(
                record.Topic,
                record.Key,
                record.Message,
                record.Arrival,
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

    private async Task<string?> SendAloneAsync(OutgoingRecord record, CancellationToken cancellation)
    {
        await alone.WaitAsync(cancellation);
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                var sent = await PlaceAsync(record, cancellation);
                if (await sent.WaitAsync(cancellation) is not { } outcome)
                    return null;
                if (outcome is not PublishException refusal || !IsOwnFault(refusal.Error.Code))
                    throw outcome;
                if (attempt == AttemptsAlone)
                    return $"Kafka refuses the record: {refusal.Error.Reason}";
            }
        }
        finally
        {
            alone.Release();
        }
    }

    /// <summary>True for what Kafka says of a record or its batch, false for what it says of itself.</summary>
    private static bool IsOwnFault(ErrorCode code) =>
        code
            is ErrorCode.MsgSizeTooLarge
                or ErrorCode.RecordListTooLarge
                or ErrorCode.InvalidMsg
                or ErrorCode.InvalidMsgSize
                or ErrorCode.InvalidTimestamp
                or ErrorCode.InvalidRecord
                or ErrorCode.Local_BadMsg
                or ErrorCode.Local_InvalidDifferentRecord
                or ErrorCode.Local_InvalidArg;
}
