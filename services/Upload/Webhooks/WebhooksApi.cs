using System.Security.Cryptography;
using System.Text;
using EventStream.Contracts;
using EventStream.EventStore.Privacy;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Upload.Outbound;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Upload.Webhooks;

/// <summary>
/// Where publishers say which address is to be called about their videos, and see what became of the calls. Calls are
/// signed as Standard Webhooks 1.0 says.
/// </summary>
public sealed class WebhooksApi(
    WebhookTable hooks,
    DeliveryTable deliveries,
    PersonalData personal,
    WebhookOptions options,
    TimeProvider time
)
{
    /// <summary>Most calls of one answer.</summary>
    public const int DeliveriesMax = 200;

    private readonly OutboundGate gate = new(options.Networks, HostList.All);

    private static readonly string[] EventNames =
    [
        .. Topics
            .VideoEvents.Messages.Where(type => typeof(IVideoEvent).IsAssignableFrom(type))
            .Select(MessageTypes.NameOf),
    ];

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        var group = routes
            .MapGroup("/v1/webhooks")
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.Publish);
        group
            .MapPost("/", (Delegate)CreateAsync)
            .Accepts<WebhookRequest>("application/json")
            .Describe(
                "Names an address to be called about the caller's videos; answers the secret, once.",
                400,
                409,
                422
            )
            .TakesHeader(IdempotencyKey.Header, IdempotencyKey.HeaderText)
            .Answers(201, typeof(WebhookCreated));
        group.MapGet("/", (Delegate)ListAsync).Describe("The caller's webhooks.").Answers(200, typeof(WebhookList));
        group.MapGet("/{id}", FindAsync).Describe("A webhook.", 404).Answers(200, typeof(Webhook));
        group.MapDelete("/{id}", DeleteAsync).Describe("Takes a webhook back, with its log.", 404).Answers(204);
        group
            .MapGet("/{id}/deliveries", LogAsync)
            .Describe("The newest calls of a webhook, with what came of each.", 400, 404)
            .Answers(200, typeof(WebhookDeliveryList));
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var cancellation = context.RequestAborted;
        var publisher = context.Caller()!.Name;
        var request = await JsonBody.ReadAsync<WebhookRequest>(
            context.Request,
            "{\"url\": \"https://...\"}",
            cancellation
        );
        var (url, events) = (await CheckAsync(request.Url, cancellation), CheckEvents(request.Events));
        var key = IdempotencyKey.Of(context.Request);
        var hash = Hash(url, events);
        if (await FindRepeatedAsync(publisher, key, hash, cancellation) is { } before)
            return Created(context, before.Hook, before.Secret);
        if ((await hooks.ListAsync(publisher, cancellation)).Count >= options.PerPublisherMax)
            throw new UploadProblemException(
                StatusCodes.Status409Conflict,
                "There are too many webhooks",
                $"{publisher} may have {options.PerPublisherMax} (Webhooks:PerPublisherMax). Delete one first."
            );
        var now = time.GetUtcNow();
        // PostgreSQL keeps microseconds, and the same request again is answered from there.
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        var hook = new Webhook(Guid.CreateVersion7(now), url, events, Webhook.Active, null, now);
        var secret = WebhookSignature.NewSecret();
        var stored = await personal.ProtectAsync(publisher, secret, cancellation);
        if (await hooks.InsertAsync(hook, publisher, stored, key, key is null ? null : hash, cancellation))
            return Created(context, hook, secret);
        // The same request came twice at the same time.
        var made = (await FindRepeatedAsync(publisher, key, hash, cancellation))!.Value;
        return Created(context, made.Hook, made.Secret);
    }

    private async Task<(Webhook Hook, string Secret)?> FindRepeatedAsync(
        string publisher,
        string? key,
        string hash,
        CancellationToken cancellation
    )
    {
        if (key is null || await hooks.FindByKeyAsync(publisher, key, cancellation) is not { } made)
            return null;
        return made.RequestHash == hash
            ? (made.Hook, personal.Reveal(made.Secret) ?? "")
            : throw IdempotencyKey.UsedOtherwise(key);
    }

    private async Task<IResult> ListAsync(HttpContext context) =>
        Results.Ok(new WebhookList(await hooks.ListAsync(context.Caller()!.Name, context.RequestAborted)));

    private async Task<IResult> FindAsync(HttpContext context, string id) => Results.Ok(await OfAsync(context, id));

    private async Task<IResult> DeleteAsync(HttpContext context, string id)
    {
        await hooks.DeleteAsync((await OfAsync(context, id)).Id, context.RequestAborted);
        return Results.NoContent();
    }

    private async Task<IResult> LogAsync(HttpContext context, string id, int? limit)
    {
        var hook = await OfAsync(context, id);
        if (limit is < 1 or > DeliveriesMax)
            throw Bad($"'limit' must be from 1 to {DeliveriesMax}; it is {limit}.");
        return Results.Ok(
            new WebhookDeliveryList(await deliveries.NewestAsync(hook.Id, limit ?? 50, context.RequestAborted))
        );
    }

    private async Task<Webhook> OfAsync(HttpContext context, string id) =>
        Guid.TryParseExact(id, "D", out var parsed)
        && await hooks.FindAsync(parsed, Ownership.Of(context), context.RequestAborted) is { } hook
            ? hook
            : throw new UploadProblemException(
                StatusCodes.Status404NotFound,
                "There is no such webhook",
                $"'{id}' is none of your webhooks; GET /v1/webhooks lists them."
            );

    private async Task<string> CheckAsync(string? text, CancellationToken cancellation)
    {
        try
        {
            return (await gate.CheckAsync(text, cancellation)).AbsoluteUri;
        }
        catch (RefusedAddressException e)
        {
            throw Bad($"url: {e.Message}");
        }
    }

    private static IReadOnlyList<string> CheckEvents(IReadOnlyList<string>? events)
    {
        var wanted = (events ?? []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (wanted.Find(name => !EventNames.Contains(name, StringComparer.Ordinal)) is { } unknown)
            throw Bad($"events: '{unknown}' is none; there are {string.Join(", ", EventNames)}.");
        return wanted;
    }

    private static string Hash(string url, IEnumerable<string> events) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{url}\n{string.Join('\n', events)}")));

    private static IResult Created(HttpContext context, Webhook hook, string secret) =>
        Results.Created(
            $"{context.PublicUrl()}/v1/webhooks/{hook.Id}",
            new WebhookCreated(hook.Id, hook.Url, hook.Events, hook.State, secret, hook.CreatedAt)
        );

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "The webhook cannot be used", detail);
}
