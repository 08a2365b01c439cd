using EventStream.Contracts;

namespace EventStream.Upload.Webhooks;

/// <summary>
/// Where a publisher is called about its videos. Events are wire names, none for all of them; trouble says why a hook
/// is disabled.
/// </summary>
public sealed record Webhook(
    Guid Id,
    string Url,
    IReadOnlyList<string> Events,
    string State,
    string? Trouble,
    DateTimeOffset CreatedAt
)
{
    public const string Active = "active";
    public const string Disabled = "disabled";
}

/// <summary>A new hook, with the secret that its calls are signed with: it is shown this once.</summary>
public sealed record WebhookCreated(
    Guid Id,
    string Url,
    IReadOnlyList<string> Events,
    string State,
    string Secret,
    DateTimeOffset CreatedAt
);

/// <summary>What a publisher asks for: an address, and the events that it wants; all where it names none.</summary>
public sealed record WebhookRequest(string? Url, IReadOnlyList<string>? Events);

/// <summary>A publisher's hooks.</summary>
public sealed record WebhookList(IReadOnlyList<Webhook> Webhooks);

/// <summary>
/// One call: waiting, delivered or failed, with the HTTP status and trouble of its last attempt. Due where another
/// attempt follows.
/// </summary>
public sealed record WebhookDelivery(
    Guid Id,
    string Type,
    VideoId VideoId,
    string State,
    int Attempts,
    DateTimeOffset CreatedAt,
    DateTimeOffset? DueAt,
    DateTimeOffset? AttemptedAt,
    int? Status,
    string? Trouble
)
{
    public const string Waiting = "waiting";
    public const string Delivered = "delivered";
    public const string Failed = "failed";
}

/// <summary>The newest calls of a hook.</summary>
public sealed record WebhookDeliveryList(IReadOnlyList<WebhookDelivery> Deliveries);

/// <summary>What a sender needs of a hook, the secret as it is stored.</summary>
internal sealed record WebhookTarget(Guid Id, string Url, string Secret);

/// <summary>What a sender needs of a call.</summary>
internal sealed record WebhookCall(Guid Id, string Payload, int Attempts);
