using EventStream.Encode.Ladder;
using EventStream.Processes;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// Which encoders an ffmpeg has. Whether they are those that the settings ask for is known when a worker starts, and
/// not when the first video comes.
/// </summary>
public static class EncoderCheck
{
    private static readonly string[] Libraries = ["libx264", "libx265", "libSvtAv1Enc", "libvpx", "libopus"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A sentence for each setting whose encoder <paramref name="ffmpeg"/> lacks; none where nothing is missing, or
    /// nothing but H.264 is asked for. Throws <see cref="ProgramFailedException"/> where it does not run.
    /// </summary>
    public static async Task<IReadOnlyList<string>> MissingAsync(string ffmpeg, EncodeOptions options)
    {
        var wanted = CodecLadder
            .Further(options.Ladders)
            .SelectMany(codec => CodecLadder.Encoders(codec).Select(name => (Setting: "Ladders", codec, name)))
            .Concat(options.HighRange ? [(Setting: "HighRange", codec: "hevc", name: "libx265")] : [])
            .ToList();
        if (wanted.Count == 0)
            return [];
        var there = new HashSet<string>(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(Patience);
        await new ProgramRunner(new ProgramOptions { QuietMax = Patience }, TimeProvider.System).RunAsync(
            ffmpeg,
            ["-hide_banner", "-loglevel", "error", "-encoders"],
            line => there.Add(line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(1) ?? ""),
            patience.Token
        );
        return
        [
            .. wanted
                .Where(one => !there.Contains(one.name))
                .Select(one =>
                    $"Encode:{one.Setting} asks for {one.codec}, whose encoder {one.name} {ffmpeg} lacks; "
                    + $"install an ffmpeg that has it, or change the setting."
                ),
        ];
    }

    /// <summary>
    /// The files of the encoders' libraries, whose names end in their versions: ffmpeg's own version says nothing of
    /// them. None where they are part of ffmpeg, or the system cannot tell.
    /// </summary>
    public static async Task<IReadOnlyList<string>> LibrariesAsync(
        string ffmpeg,
        ProgramRunner programs,
        CancellationToken cancellation
    )
    {
        var files = new List<string>();
        try
        {
            if (Tools.Find("ldd") is { } ldd)
                await programs.RunAsync(ldd, [ffmpeg], Take, cancellation);
        }
        catch (ProgramFailedException)
        {
            // A program that is linked statically has none.
        }

        return files;

        void Take(string line)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (
                words is [var name, "=>", var path, ..]
                && Libraries.Any(library => name.StartsWith(library, StringComparison.Ordinal))
            )
                files.Add(new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.Name ?? name);
        }
    }
}
