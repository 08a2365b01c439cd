using System.Text;
using EventStream.Contracts;

namespace EventStream.Cli.Load;

/// <summary>What playback answers to a new session, as far as a simulated viewer needs it.</summary>
internal sealed record PlaybackSession(string SessionId, string HlsUrl, string BeaconsUrl);

/// <summary>
/// One viewer without a screen: asks for a session, reads the playlists, fetches segments from the edge as fast as a
/// player would play them, and reports CMCD version 2 in request mode (query) and event mode, like hls.js does. It
/// decodes nothing.
/// </summary>
internal sealed class SimulatedViewer(
    HttpClient http,
    LoadOptions options,
    LoadCounters counters,
    TimeProvider clock,
    Random random
)
{
    /// <summary>Media that a viewer holds before it waits; two segments of two seconds.</summary>
    private static readonly TimeSpan BufferGoal = TimeSpan.FromSeconds(4);

    /// <summary>Records of one body; a player batches alike.</summary>
    private const int BatchMax = 6;

    private readonly List<string> batch = [];
    private PlaybackSession session = new("", "", "");
    private long sequence;
    private int bitrateKbps;

    /// <summary>
    /// Watches until the video ends or <paramref name="leave"/> is set, then says so to the collector.
    /// </summary>
    public async Task WatchAsync(CancellationToken leave, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.PostAsJsonAsync(
                $"{options.PlaybackUrl}/v1/videos/{options.VideoId}/sessions",
                new { player = "simulated", region = options.Regions[random.Next(options.Regions.Count)] },
                cancellation
            );
            answer.EnsureSuccessStatusCode();
            session = (await answer.Content.ReadFromJsonAsync<PlaybackSession>(cancellation))!;
            counters.Session();
            await PlayAsync(leave, cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException or FormatException)
        {
            if (!cancellation.IsCancellationRequested)
                counters.Error(e.Message);
        }
    }

    private async Task PlayAsync(CancellationToken leave, CancellationToken cancellation)
    {
        await StateAsync(PlayerState.Starting, cancellation);
        var master = new Uri(session.HlsUrl);
        var variants = HlsPlaylists.Variants(await http.GetStringAsync(Tagged(master, "m"), cancellation), master);
        // Most of a simulated crowd watches the lower half of the ladder, so that one machine can carry it.
        var variant = variants[random.Next(Math.Max(1, (variants.Count + 1) / 2))];
        bitrateKbps = variant.Bandwidth / 1000;
        var playlist = await http.GetStringAsync(Tagged(variant.Url, "m"), cancellation);
        var (init, segments) = HlsPlaylists.Media(playlist, variant.Url);
        if (init is not null)
            await FetchAsync(init, "i", 0, cancellation);
        await SegmentsAsync(segments, leave, cancellation);
        var end = leave.IsCancellationRequested ? PlayerState.Quit : PlayerState.Ended;
        await StateAsync(end, cancellation);
        await SendAsync(cancellation);
    }

    private async Task SegmentsAsync(List<HlsSegment> segments, CancellationToken leave, CancellationToken cancellation)
    {
        long started = 0;
        var fetched = TimeSpan.Zero;
        foreach (var segment in segments)
        {
            await FetchAsync(segment.Url, "v", segment.Seconds, cancellation);
            if (fetched == TimeSpan.Zero)
            {
                started = clock.GetTimestamp();
                await StateAsync(PlayerState.Playing, cancellation);
            }

            fetched += TimeSpan.FromSeconds(segment.Seconds);
            await WaitAsync(fetched - BufferGoal - clock.GetElapsedTime(started), leave);
            if (leave.IsCancellationRequested)
                return;
        }

        await WaitAsync(fetched - clock.GetElapsedTime(started), leave);
    }

    private async Task FetchAsync(Uri url, string objectType, double seconds, CancellationToken cancellation)
    {
        var at = clock.GetUtcNow();
        var begun = clock.GetTimestamp();
        const HttpCompletionOption atOnce = HttpCompletionOption.ResponseHeadersRead;
        using var answer = await http.GetAsync(Tagged(url, objectType), atOnce, cancellation);
        var first = clock.GetElapsedTime(begun).TotalMilliseconds;
        var size = await DrainAsync(answer, cancellation);
        var last = clock.GetElapsedTime(begun).TotalMilliseconds;
        if (!answer.IsSuccessStatusCode)
            counters.Error($"{(int)answer.StatusCode} for {url.AbsolutePath}");
        else
            counters.Segment(size);
        var record =
            $"br=({bitrateKbps}),d={seconds * 1000:0},e={PlayerEvent.Response},ot={objectType},"
            + $"rc={(int)answer.StatusCode},{{0}},ttfb={first:0},ttlb={last:0},url=\"{url}\"";
        await ReportAsync(record, at, cancellation);
    }

    private async Task<long> DrainAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[32 * 1024];
        long size = 0;
        int read;
        while ((read = await body.ReadAsync(buffer, cancellation)) > 0)
            size += read;
        return size;
    }

    /// <summary>Adds the request mode's query argument, which carries the session id into the edge's log.</summary>
    private Uri Tagged(Uri url, string objectType)
    {
        var cmcd =
            $"br=({bitrateKbps}),cid=\"{options.VideoId}\",ot={objectType},sf=h,sid=\"{session.SessionId}\",st=v,v=2";
        var separator = url.Query.Length > 0 ? '&' : '?';
        return new Uri($"{url}{separator}CMCD={Uri.EscapeDataString(cmcd)}");
    }

    private async Task StateAsync(string state, CancellationToken cancellation)
    {
        var bitrate = bitrateKbps > 0 ? $"br=({bitrateKbps})," : "";
        await ReportAsync($"{bitrate}e={PlayerEvent.StateChange},{{0}},sta={state}", clock.GetUtcNow(), cancellation);
        if (state is PlayerState.Starting or PlayerState.Playing)
            await SendAsync(cancellation);
    }

    private async Task ReportAsync(string record, DateTimeOffset at, CancellationToken cancellation)
    {
        var common =
            $"cid=\"{options.VideoId}\",sf=h,sid=\"{session.SessionId}\",sn={sequence++},st=v,"
            + $"ts={at.ToUnixTimeMilliseconds()},v=2";
        batch.Add(record.Replace("{0}", common, StringComparison.Ordinal));
        if (batch.Count >= BatchMax)
            await SendAsync(cancellation);
    }

    private async Task SendAsync(CancellationToken cancellation)
    {
        if (batch.Count == 0)
            return;
        using var content = new StringContent(string.Join('\n', batch), Encoding.UTF8, "application/cmcd");
        using var answer = await http.PostAsync(session.BeaconsUrl, content, cancellation);
        if (answer.IsSuccessStatusCode)
            counters.Beacon(batch.Count);
        else
            counters.Error($"{(int)answer.StatusCode} from the collector");
        batch.Clear();
    }

    private Task WaitAsync(TimeSpan time, CancellationToken leave) =>
        time <= TimeSpan.Zero
            ? Task.CompletedTask
            : Task.Delay(time, clock, leave).ContinueWith(_ => { }, TaskScheduler.Default);
}
