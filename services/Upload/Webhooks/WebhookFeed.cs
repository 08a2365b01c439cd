using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Webhooks;

/// <summary>
/// Queues the calls that follow from <c>video.events</c>. A record that comes again queues nothing again.
/// </summary>
public sealed partial class WebhookFeed(
    DeliveryTable deliveries,
    WebhookOptions options,
    TimeProvider time,
    ILogger<WebhookFeed> log
)
{
    /// <summary>The consumer group.</summary>
    public const string Group = "upload-webhooks";

    private static readonly TimeSpan DatabasePause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Handles one record; while the database is away it waits. What happened before the log begins is passed over:
    /// nobody could say whether it was sent before.
    /// </summary>
    public async Task HandleAsync(ConsumedMessage message, CancellationToken cancellation)
    {
        if (message.Message is not IVideoEvent e || message.Time < time.GetUtcNow() - options.LogKeptFor)
            return;
        var type = MessageTypes.NameOf(e.GetType());
        var payload = Payload(type, message.Time, e);
        while (true)
        {
            try
            {
                var now = time.GetUtcNow();
                await deliveries.QueueAsync(message.EventId, type, e.VideoId, payload, message.Time, now, cancellation);
                return;
            }
            catch (Exception failure) when (StoreFailures.IsTransient(failure))
            {
                Waiting(failure.Message);
                await Task.Delay(DatabasePause, time, cancellation);
            }
        }
    }

    /// <summary>The body of a call, as Standard Webhooks has it: type, timestamp and data.</summary>
    public static string Payload(string type, DateTimeOffset at, IVideoEvent e) =>
        new JsonObject
        {
            ["type"] = type,
            ["timestamp"] = at,
            ["data"] = JsonNode.Parse(Encoding.UTF8.GetString(MessageTypes.Write(e))),
        }.ToJsonString(JsonSerializerOptions.Web);

    [LoggerMessage(1, LogLevel.Warning, "Waiting for PostgreSQL: {Cause}")]
    private partial void Waiting(string cause);
}
