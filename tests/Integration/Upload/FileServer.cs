using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A web server with one file, which can break off or fall silent in the middle of it.</summary>
internal sealed class FileServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private int open;

    private FileServer(WebApplication app, string url, byte[] file) => (this.app, Url, File) = (app, url, file);

    public string Url { get; }

    public byte[] File { get; set; }

    /// <summary>Where the next answer, and no later one, breaks off.</summary>
    public int? CutAt { get; set; }

    public Action? AfterCut { get; set; }

    /// <summary>Where answers fall silent.</summary>
    public int? HoldAt { get; set; }

    /// <summary>The Range of each request for the file, empty where it had none.</summary>
    public ConcurrentQueue<string> Ranges { get; } = new();

    /// <summary>Answers that are being sent.</summary>
    public int Open => open;

    public static async Task<FileServer> StartAsync(byte[] file)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var url = $"http://127.0.0.1:{FreePort.Next()}";
        builder.WebHost.UseUrls(url);
        var web = builder.Build();
        var server = new FileServer(web, url, file);
        web.MapGet("/film.mp4", context => server.SendAsync(context, withLength: true));
        web.MapGet("/other.mp4", context => server.SendAsync(context, withLength: true));
        web.MapGet("/without-length/film.mp4", context => server.SendAsync(context, withLength: false));
        web.MapGet("/moved/film.mp4", () => Results.Redirect("/film.mp4"));
        web.MapGet("/moved-round/film.mp4", () => Results.Redirect("/moved-round/film.mp4"));
        web.MapGet("/moved-inside/film.mp4", () => Results.Redirect("http://169.254.169.254/film.mp4"));
        web.MapGet(
            "/compressed/film.mp4",
            context =>
            {
                context.Response.Headers.ContentEncoding = "gzip";
                return server.SendAsync(context, withLength: true);
            }
        );
        web.MapGet(
            "/too-large/film.mp4",
            async context =>
            {
                context.Response.ContentLength = 30_000_000;
                await context.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        );
        web.MapGet("/empty.mp4", () => Results.Bytes([], "video/mp4"));
        await web.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    private async Task SendAsync(HttpContext context, bool withLength)
    {
        Interlocked.Increment(ref open);
        try
        {
            await SendFileAsync(context, withLength);
        }
        catch (OperationCanceledException)
        {
            // The client went away.
        }
        finally
        {
            Interlocked.Decrement(ref open);
        }
    }

    private async Task SendFileAsync(HttpContext context, bool withLength)
    {
        var (request, response, file) = (context.Request, context.Response, File);
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(file))[..16]}\"";
        Ranges.Enqueue(request.Headers.Range.ToString());
        var (begin, cut, hold) = (0, CutAt, HoldAt);
        if (request.GetTypedHeaders().Range is { } range && request.Headers.IfRange == tag)
        {
            begin = (int)range.Ranges.Single().From!.Value;
            response.StatusCode = 206;
            response.Headers.ContentRange = string.Create(
                CultureInfo.InvariantCulture,
                $"bytes {begin}-{file.Length - 1}/{file.Length}"
            );
        }

        response.Headers.ETag = tag;
        if (withLength)
            response.ContentLength = file.Length - begin;
        await response.StartAsync(context.RequestAborted);
        var end = Math.Max(begin, cut ?? hold ?? file.Length);
        await response.Body.WriteAsync(file.AsMemory(begin, end - begin), context.RequestAborted);
        await response.Body.FlushAsync(context.RequestAborted);
        if (hold is not null)
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        if (cut is null)
            return;
        CutAt = null;
        AfterCut?.Invoke();
        context.Abort();
    }
}
