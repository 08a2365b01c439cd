using Confluent.Kafka;
using EventStream.Contracts;

namespace EventStream.Messaging.Kafka;

/// <summary>Describes a record that was given up, for <c>dead.letters</c>.</summary>
public static class DeadLetter
{
    /// <summary>The longest value that is kept whole: base64 stays below the usual record limit of 1 MB.</summary>
    public const int ValueBytesMax = 512 * 1024;

    private const int KeyBytesMax = 16 * 1024;

    /// <summary>The letter, with the record's place, cause and content; a value that is too long is cut.</summary>
    public static RecordDeadLettered Of(
        string group,
        ConsumeResult<byte[], byte[]> record,
        string cause,
        Exception? exception,
        int attempts,
        DateTimeOffset now
    )
    {
        var (key, value, headers) = (record.Message.Key ?? [], record.Message.Value ?? [], record.Message.Headers);
        if (value.Length > ValueBytesMax)
            cause = $"{cause} (the value of {value.Length} bytes is cut to {ValueBytesMax})";
        return new RecordDeadLettered(
            record.Topic,
            record.Partition,
            record.Offset,
            group,
            CloudEvents.Text(headers, CloudEvents.Type) ?? "",
            cause,
            Base64(key, KeyBytesMax),
            Base64(value, ValueBytesMax),
            now,
            exception?.GetType().FullName,
            attempts,
            CloudEvents.Text(headers, CloudEvents.Id),
            DateTimeOffset.FromUnixTimeMilliseconds(record.Message.Timestamp.UnixTimestampMs)
        );
    }

    /// <summary>The id of a letter: that of the record, so that readers recognize one that was written twice.</summary>
    public static string IdOf(RecordDeadLettered letter) =>
        $"{letter.Group}/{letter.Topic}/{letter.Partition}/{letter.Offset}";

    private static string Base64(byte[] bytes, int bytesMax) =>
        Convert.ToBase64String(bytes, 0, Math.Min(bytes.Length, bytesMax));
}
