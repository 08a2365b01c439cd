using System.Globalization;
using System.Net;
using System.Text;
using EventStream.EventStore.Privacy;
using EventStream.Upload.Outbound;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.Upload.Webhooks;

/// <summary>
/// Makes the calls that are due, a hook's one after the other and hooks beside each other. A call that fails is made
/// again after each of <see cref="Delays"/>; 410 says that nobody listens any more and disables the hook.
/// </summary>
public sealed partial class WebhookSender : BackgroundService
{
    /// <summary>Waits between attempts; a fifth more of each is left to chance.</summary>
    public static readonly IReadOnlyList<TimeSpan> Delays =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(6),
        TimeSpan.FromHours(12),
        TimeSpan.FromHours(24),
    ];

    /// <summary>How often due calls are looked for.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Hooks that this process calls at a time.</summary>
    private const int HooksMax = 32;

    /// <summary>Calls of a hook that are made before another hook has its turn; fewer where they are slow.</summary>
    private const int CallsMax = 20;

    private static readonly TimeSpan PruneInterval = TimeSpan.FromHours(1);

    private readonly WebhookTable hooks;
    private readonly DeliveryTable deliveries;
    private readonly PersonalData personal;
    private readonly WebhookOptions options;
    private readonly TimeProvider time;
    private readonly ILogger<WebhookSender> log;
    private readonly HttpClient http;

    public WebhookSender(
        WebhookTable hooks,
        DeliveryTable deliveries,
        PersonalData personal,
        WebhookOptions options,
        TimeProvider time,
        ILogger<WebhookSender> log
    )
    {
        (this.hooks, this.deliveries, this.personal) = (hooks, deliveries, personal);
        (this.options, this.time, this.log) = (options, time, log);
        http = new OutboundGate(options.Networks, HostList.All).Client(options.Timeout);
    }

    public override void Dispose()
    {
        http.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var (running, pruned) = (new List<Task>(), long.MinValue);
        while (!stoppingToken.IsCancellationRequested)
        {
            running.RemoveAll(task => task.IsCompleted);
            try
            {
                // Nobody waits for a slow receiver but its own calls, unless every place is taken.
                foreach (var hook in await ClaimAsync(HooksMax - running.Count, stoppingToken))
                    running.Add(CallAsync(hook, stoppingToken));
                if (pruned == long.MinValue || time.GetElapsedTime(pruned) > PruneInterval)
                {
                    await deliveries.PruneAsync(time.GetUtcNow() - options.LogKeptFor, stoppingToken);
                    pruned = time.GetTimestamp();
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(e.Message);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(running);
    }

    private async Task<IReadOnlyList<WebhookTarget>> ClaimAsync(int max, CancellationToken cancellation) =>
        max == 0 ? [] : await hooks.ClaimAsync(time.GetUtcNow(), options.Timeout * 3, max, cancellation);

    private async Task CallAsync(WebhookTarget hook, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        try
        {
            foreach (var call in await deliveries.DueAsync(hook.Id, time.GetUtcNow(), CallsMax, cancellation))
            {
                // Where one fails, or is slow, other hooks are not to wait for this receiver.
                if (!await CallAsync(hook, call, cancellation) || time.GetElapsedTime(began) > options.Timeout)
                    break;
            }
        }
        catch (Exception e)
        {
            if (!cancellation.IsCancellationRequested)
                Failed(e.Message);
        }

        try
        {
            await hooks.ReleaseAsync(hook.Id, time.GetUtcNow(), CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The hook is free again when its lease is over.
        }
    }

    private async Task<bool> CallAsync(WebhookTarget hook, WebhookCall call, CancellationToken cancellation)
    {
        var (status, trouble) = await TryAsync(hook, call, cancellation);
        var isGone = status == (int)HttpStatusCode.Gone;
        var (now, again) = (time.GetUtcNow(), trouble is not null && !isGone && call.Attempts < Delays.Count);
        await deliveries.AttemptedAsync(
            call.Id,
            trouble is null ? WebhookDelivery.Delivered
                : again ? WebhookDelivery.Waiting
                : WebhookDelivery.Failed,
            status,
            trouble,
            now,
            again ? now + Delays[call.Attempts] * (1 + Random.Shared.NextDouble() / 5) : null,
            cancellation
        );
        if (isGone)
        {
            await hooks.DisableAsync(hook.Id, "The receiver answered 410: it is gone.", cancellation);
            Disabled(hook.Id);
        }

        return trouble is null;
    }

    private async Task<(int? Status, string? Trouble)> TryAsync(
        WebhookTarget hook,
        WebhookCall call,
        CancellationToken cancellation
    )
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(options.Timeout);
        try
        {
            using var request = Request(hook, call);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, bound.Token);
            var status = (int)answer.StatusCode;
            return (status, answer.IsSuccessStatusCode ? null : Words(answer));
        }
        catch (HttpRequestException e)
        {
            return (null, (e.InnerException as RefusedAddressException)?.Message ?? e.Message);
        }
        catch (FormatException e)
        {
            return (null, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, $"The receiver did not answer within {options.Timeout.TotalSeconds:0} s.");
        }
    }

    private HttpRequestMessage Request(WebhookTarget hook, WebhookCall call)
    {
        var (id, now) = ($"msg_{call.Id:N}", time.GetUtcNow());
        var secret = personal.Reveal(hook.Secret) ?? "";
        var request = new HttpRequestMessage(HttpMethod.Post, hook.Url)
        {
            Content = new StringContent(call.Payload, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add(WebhookSignature.IdHeader, id);
        request.Headers.Add(WebhookSignature.TimestampHeader, WebhookSignature.Seconds(now));
        request.Headers.TryAddWithoutValidation(
            WebhookSignature.SignatureHeader,
            WebhookSignature.Of(secret, id, now, call.Payload)
        );
        request.Headers.Add("User-Agent", "EventStream-Webhooks/1");
        return request;
    }

    private static string Words(HttpResponseMessage answer) =>
        (int)answer.StatusCode is >= 300 and < 400
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"The receiver answered {(int)answer.StatusCode}, and redirects are not followed."
            )
            : string.Create(CultureInfo.InvariantCulture, $"The receiver answered {(int)answer.StatusCode}.");

    [LoggerMessage(1, LogLevel.Warning, "Webhooks that are due could not be called: {Cause}")]
    private partial void Failed(string cause);

    [LoggerMessage(2, LogLevel.Information, "Webhook {Id} is disabled: its receiver answered 410.")]
    private partial void Disabled(Guid id);
}
