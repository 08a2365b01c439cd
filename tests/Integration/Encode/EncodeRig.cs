using System.Collections.Concurrent;
using System.Diagnostics;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Encode.Worker;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Encode;

/// <summary>A media folder of its own, clips made by ffmpeg, and the real tools around it.</summary>
public sealed class EncodeRig : IDisposable
{
    private static readonly IConfiguration Defaults = new ConfigurationBuilder().Build();

    public EncodeRig()
    {
        Media = new FolderMediaStore(MediaRoot);
        Runner = new ProgramRunner(new ProgramOptions(), TimeProvider.System);
        Directory.CreateDirectory(Path.Combine(MediaRoot, "sources"));
    }

    public static string Ffmpeg { get; } = Tools.Program(Defaults, "ffmpeg", "ffmpeg");

    public static string Ffprobe { get; } = Tools.Program(Defaults, "ffprobe", "ffmpeg");

    public static string PackagerPath { get; } = Tools.Npm(Defaults, "shaka-packager/bin/packager-linux-x64");

    public string Folder { get; } = Directory.CreateTempSubdirectory("eventstream-encode-").FullName;

    public string MediaRoot => Path.Combine(Folder, "media-root");

    public FolderMediaStore Media { get; }

    public ProgramRunner Runner { get; }

    public SourceReader Reader => new(Ffprobe, Runner, TimeProvider.System);

    /// <summary>What runs ffmpeg, or a script in its place.</summary>
    public FfmpegRunner Encoder(string? ffmpeg = null, TimeSpan? quietMax = null) =>
        new(
            ffmpeg ?? Ffmpeg,
            Path.Combine(Folder, "work"),
            new ProgramOptions { QuietMax = quietMax ?? TimeSpan.FromSeconds(60) },
            TimeProvider.System
        );

    /// <summary>
    /// An ffmpeg that reads its source no faster than it plays, so that an encode takes long and costs little.
    /// </summary>
    public string SlowFfmpeg()
    {
        var path = Path.Combine(Folder, "slow-ffmpeg");
        return Script(path, $"echo $$ > {path}.pid\nexec {Ffmpeg} -re \"$@\"");
    }

    /// <summary>A program in place of ffmpeg. FFMpegCore asks for its version before the first run.</summary>
    public string Script(string path, string lines)
    {
        File.WriteAllText(path, $"#!/bin/sh\n[ \"$1\" = -version ] && exit 0\n{lines}\n");
        Run("/bin/chmod", ["755", path]);
        return path;
    }

    /// <summary>Makes a clip under <c>sources/name</c> with ffmpeg's own words and returns its key.</summary>
    public string Clip(string name, string arguments)
    {
        var words = $"-v error -y {arguments}".Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Run(Ffmpeg, [.. words, PathOf($"sources/{name}")]);
        return $"sources/{name}";
    }

    public string PathOf(string key) => Path.Combine(MediaRoot, key);

    /// <summary>A worker's work without Kafka.</summary>
    public TaskWork Work(EncodeOptions? options = null, string? ffmpeg = null) =>
        new(
            Media,
            Encoder(ffmpeg),
            Reader,
            new Packager(PackagerPath, Runner),
            options ?? Options("w"),
            new EncodeCache(Media, Runner, new EncodeTools(ffmpeg ?? Ffmpeg, PackagerPath), options ?? Options("w"))
        );

    public EncodeWorker Worker(string id, Said said, string? ffmpeg = null) =>
        new(
            Work(Options(id), ffmpeg),
            new TaskLeases(Media, id, TimeProvider.System),
            said,
            Options(id),
            TimeProvider.System,
            NullLogger<EncodeWorker>.Instance
        );

    public EncodeOptions Options(string worker) =>
        new()
        {
            Preset = "veryfast",
            Threads = 1,
            WorkerId = worker,
            WorkFolder = Path.Combine(Folder, "work"),
        };

    /// <summary>Probes a clip with the real reader.</summary>
    public Task<SourceInfo> ReadAsync(string key) => Reader.ReadAsync(PathOf(key), _ => { }, CancellationToken.None);

    /// <summary>Does one command and returns its outcome.</summary>
    public Task<IEvent> DoAsync(ICommand command)
    {
        var reporter = new TaskReporter(new Said(), TimeProvider.System, "w", command);
        return Work().DoAsync(command, reporter, CancellationToken.None);
    }

    /// <summary>Encodes one rung of a clip, as wide as the ladder has it.</summary>
    public async Task<Rendition> EncodeAsync(string key, SourceInfo source, Rung rung)
    {
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var command = new EncodeRung(id, key, source, rung, 2, EncodeTasks.OutputPrefix(id, rung.Name), default);
        return Assert.IsType<RenditionEncoded>(await DoAsync(command)).Rendition;
    }

    /// <summary>Lines that ffprobe prints as bare comma-separated values.</summary>
    public string[] Probe(string file, string arguments) =>
        Run(Ffprobe, [.. $"-v error -of csv=p=0 {arguments}".Split(' '), file])
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Run(string program, IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {errors.Result}");
        return output;
    }
}

/// <summary>What a worker said, in order.</summary>
public sealed class Said : IEventPublisher
{
    private readonly ConcurrentQueue<(IMessage Message, string? EventId)> all = new();

    public IEnumerable<(IMessage Message, string? EventId)> All => all;

    public IEnumerable<T> Of<T>() => all.Select(said => said.Message).OfType<T>();

    public Task PublishAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        CancellationToken cancellation,
        PublishOptions? options = null
    )
    {
        all.Enqueue((message, options?.EventId));
        return Task.CompletedTask;
    }
}

/// <summary>Waits on conditions, with a bound.</summary>
public static class Until
{
    public static async Task TrueAsync(Func<bool> condition, string what, int seconds = 30)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started).TotalSeconds > seconds)
                Assert.Fail($"After {seconds} s: {what} did not come.");
            await Task.Delay(20);
        }
    }
}
