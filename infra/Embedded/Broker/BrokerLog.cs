using Microsoft.Extensions.Logging;

namespace EventStream.Embedded.Broker;

/// <summary>The catalogue of what the broker writes to its log.</summary>
internal static partial class BrokerLog
{
    [LoggerMessage(
        1,
        LogLevel.Information,
        "Broker listens on {Address} with data in {Folder}: {Topics} topics, {Groups} groups"
    )]
    public static partial void Started(ILogger logger, string address, string folder, int topics, int groups);

    [LoggerMessage(2, LogLevel.Information, "Broker stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(3, LogLevel.Error, "The log in {Folder} could not be written; free space or repair the disk")]
    public static partial void AppendFailed(ILogger logger, Exception exception, string folder);

    [LoggerMessage(
        4,
        LogLevel.Warning,
        "{Path} ended in a torn write; {Bytes} bytes that were never acknowledged were cut off"
    )]
    public static partial void TornTail(ILogger logger, string path, long bytes);

    [LoggerMessage(5, LogLevel.Warning, "Closed the connection of {Peer}: {Reason}")]
    public static partial void ConnectionRefused(ILogger logger, string peer, string reason);

    [LoggerMessage(6, LogLevel.Error, "{Api} failed for {Peer}")]
    public static partial void RequestFailed(ILogger logger, Exception exception, string api, string peer);

    [LoggerMessage(7, LogLevel.Information, "Group {Group}: generation {Generation} with {Members} members ({Reason})")]
    public static partial void Rebalanced(ILogger logger, string group, int generation, int members, string reason);

    [LoggerMessage(
        8,
        LogLevel.Information,
        "Transaction of {TransactionalId} timed out after {TimeoutMs} ms and is aborted"
    )]
    public static partial void TransactionTimedOut(ILogger logger, string transactionalId, int timeoutMs);

    [LoggerMessage(9, LogLevel.Error, "Upkeep of {Subject} failed and will be tried again")]
    public static partial void UpkeepFailed(ILogger logger, Exception exception, string subject);

    [LoggerMessage(20, LogLevel.Warning, "An authentication of {Peer} by {Mechanism} failed")]
    public static partial void AuthenticationFailed(ILogger logger, string peer, string mechanism);

    [LoggerMessage(10, LogLevel.Information, "The log in {Folder} is written again")]
    public static partial void AppendsAgain(ILogger logger, string folder);

    [LoggerMessage(
        11,
        LogLevel.Information,
        "Compacted {Folder}: {Before} to {After} bytes, {Removed} records removed, {Unread} batches kept unread"
    )]
    public static partial void Compacted(
        ILogger logger,
        string folder,
        long before,
        long after,
        long removed,
        long unread
    );

    [LoggerMessage(
        12,
        LogLevel.Error,
        "The log in {Folder} cannot be compacted; it stays as it is. Read what is needed from it and create it again"
    )]
    public static partial void Uncleanable(ILogger logger, Exception exception, string folder);

    [LoggerMessage(
        13,
        LogLevel.Warning,
        "A transaction of producer {ProducerId} in {Topic} is open and no coordinator knows it; it is aborted"
    )]
    public static partial void OrphanAborted(ILogger logger, long producerId, string topic);

    [LoggerMessage(
        14,
        LogLevel.Error,
        "{Path} is damaged: its last {Bytes} bytes were cut off, and the records in them are lost. Check the disk; "
            + "flush=always keeps records over the loss of power"
    )]
    public static partial void Damaged(ILogger logger, string path, long bytes);
}
