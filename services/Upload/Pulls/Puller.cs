using EventStream.Contracts;
using EventStream.EventStore.Privacy;
using EventStream.Upload.Outbound;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Pulls;

/// <summary>
/// Fetches files from the addresses that publishers name, as uploads of their own. A file goes on where it stopped
/// while its server says that it is the same; an attempt that brought nothing is made again after each of
/// <see cref="Delays"/>.
/// </summary>
public sealed partial class Puller(
    PullTable pulls,
    UploadTable table,
    UploadService uploads,
    PersonalData personal,
    PullOptions options,
    TimeProvider time,
    ILogger<Puller> log
) : BackgroundService
{
    /// <summary>Waits between attempts.</summary>
    public static readonly IReadOnlyList<TimeSpan> Delays =
    [
        TimeSpan.FromSeconds(2),
        TimeSpan.FromSeconds(10),
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
    ];

    /// <summary>How often due files are looked for.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>How long a killed process keeps others from its files.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    private const int RedirectsMax = 5;

    private readonly HttpClient http = new OutboundGate(options.Networks, new HostList(options.AllowedHosts)).Client(
        options.SilenceMax,
        RedirectsMax
    );

    public override void Dispose()
    {
        http.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var running = new List<Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            running.RemoveAll(task => task.IsCompleted);
            try
            {
                var (now, free) = (time.GetUtcNow(), options.AtATimeMax - running.Count);
                if (free > 0)
                    foreach (
                        var pull in await pulls.ClaimAsync(now, Lease, free, options.PerPublisherMax, stoppingToken)
                    )
                        running.Add(WorkAsync(pull, stoppingToken));
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                NotLooked(e.Message);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(running);
    }

    /// <summary>One attempt, with what follows from it.</summary>
    private async Task WorkAsync(Pull pull, CancellationToken stopping)
    {
        using var life = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var renewing = RenewAsync(pull.VideoId, life);
        try
        {
            await AttemptAsync(pull, life.Token);
        }
        catch (Exception e)
        {
            // Another process, or this one when it starts again, goes on when the lease is over.
            if (!life.IsCancellationRequested)
                NotLooked(e.Message);
        }

        await life.CancelAsync();
        await renewing;
    }

    private async Task AttemptAsync(Pull pull, CancellationToken cancellation)
    {
        var upload = await table.FindAsync(pull.VideoId, cancellation);
        if (upload is not { State: UploadRecord.Open })
        {
            await pulls.EndAsync(pull.VideoId, cancellation);
            return;
        }

        var before = await uploads.OffsetAsync(upload, cancellation);
        try
        {
            await FetchAsync(pull, upload, before, cancellation);
            await pulls.EndAsync(pull.VideoId, cancellation);
            Fetched(pull.VideoId);
        }
        catch (Exception e) when (IsEnd(e))
        {
            await EndAsync(pull, upload, Words(e), cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            var after = await uploads.OffsetAsync(upload, cancellation);
            var failures = after > before ? 1 : pull.Failures + 1;
            var now = time.GetUtcNow();
            Failed(pull.VideoId, after, Words(e));
            if (failures > Delays.Count || now - pull.CreatedAt > options.TotalMax)
                await EndAsync(pull, upload, Words(e), cancellation);
            else
                await pulls.FailedAsync(pull.VideoId, failures, Words(e), now + Delays[failures - 1], cancellation);
        }
    }

    private async Task FetchAsync(Pull pull, UploadRecord upload, long held, CancellationToken cancellation)
    {
        var left = options.TotalMax - (time.GetUtcNow() - pull.CreatedAt);
        using var total = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        total.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        var url = new Uri(personal.Reveal(pull.Url) ?? throw new PullRefusedException("Its address is erased."));
        try
        {
            using var source = await AskAsync(url, held, pull.Validator, total.Token);
            if (source.Offset < held)
                upload = await uploads.StartOverAsync(upload, total.Token);
            if (source.Offset == 0)
                await pulls.BeganAsync(pull.VideoId, source.Validator, total.Token);
            if (source.LengthBytes is { } length)
                upload = await uploads.SetLengthAsync(upload, length, total.Token);
            await using var body = new SilenceBound(await source.OpenAsync(total.Token), options.SilenceMax);
            held = await uploads.AppendAsync(upload, source.Offset, body, null, total.Token);
            if (upload.LengthBytes is null)
            {
                // The server did not say how long it is; the end of its answer does.
                await uploads.SetLengthAsync(upload, held, total.Token);
                await uploads.FinishIfOpenAsync(upload.VideoId, total.Token);
            }
            else if (held < upload.LengthBytes)
                throw new PullFailedException("The server ended before the file did.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested && total.IsCancellationRequested)
        {
            throw new PullRefusedException(
                $"It took longer than {options.TotalMax.TotalHours:0.##} h (Pull:TotalMax)."
            );
        }
    }

    private async Task<PullSource> AskAsync(Uri url, long held, string? validator, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(options.SilenceMax);
        try
        {
            return await PullSource.AskAsync(http, url, held, validator, silence.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new PullFailedException($"The server did not answer within {options.SilenceMax.TotalSeconds:0} s.");
        }
    }

    private async Task EndAsync(Pull pull, UploadRecord upload, string words, CancellationToken cancellation)
    {
        // What is wrong with the file itself was recorded where it was found.
        if (await table.FindAsync(pull.VideoId, cancellation) is { State: UploadRecord.Open })
            await uploads.EndAsync(
                upload,
                UploadRecord.Rejected,
                $"The file was not fetched. {words}",
                "See that its address answers, and ask for it again, or upload the file.",
                cancellation
            );
        await pulls.EndAsync(pull.VideoId, cancellation);
    }

    private async Task RenewAsync(VideoId id, CancellationTokenSource life)
    {
        while (true)
        {
            await Task.Delay(Lease / 3, time, life.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (life.IsCancellationRequested)
                return;
            try
            {
                if (await pulls.RenewAsync(id, time.GetUtcNow() + Lease, life.Token))
                    continue;
                // Its video was deleted.
                await life.CancelAsync();
            }
            catch (Exception e) when (e is Npgsql.NpgsqlException or OperationCanceledException)
            {
                // The upload's own lease keeps two from writing the same file.
            }
        }
    }

    /// <summary>Whether no other attempt helps.</summary>
    private static bool IsEnd(Exception e) =>
        e is PullRefusedException
        || (e is UploadProblemException problem && problem.Status != StatusCodes.Status423Locked)
        || (e is HttpRequestException { InnerException: RefusedAddressException { IsFinal: true } });

    private static string Words(Exception e) =>
        e switch
        {
            UploadProblemException problem => $"{problem.Title}. {problem.Detail}",
            HttpRequestException { InnerException: RefusedAddressException refused } => refused.Message,
            HttpRequestException => "Its server cannot be reached.",
            _ => e.Message,
        };

    [LoggerMessage(1, LogLevel.Warning, "Files to be fetched were not looked through: {Cause}")]
    private partial void NotLooked(string cause);

    [LoggerMessage(2, LogLevel.Information, "The file of video {Id} is fetched.")]
    private partial void Fetched(VideoId id);

    [LoggerMessage(3, LogLevel.Information, "The file of video {Id} is fetched to {Bytes} bytes so far: {Cause}")]
    private partial void Failed(VideoId id, long bytes, string cause);
}
