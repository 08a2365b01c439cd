using System.Globalization;
using System.Text.Json;
using EventStream.Contracts;
using FFMpegCore;
using FFMpegCore.Exceptions;

namespace EventStream.Encode.Ffmpeg;

/// <summary>What ffprobe says of a source, as far as a ladder needs it.</summary>
public sealed class ProbeReport
{
    /// <summary>Picture sides in pixels that H.264 encoders and players handle.</summary>
    public const int SideMin = 16,
        SideMax = 8192;

    /// <summary>
    /// What ffprobe is asked for, and no more: tags and chapters of a hostile file are text of any size and shape.
    /// </summary>
    public static readonly IReadOnlyList<string> Entries =
    [
        "-of",
        "json",
        "-show_entries",
        "format=format_name,start_time,duration:stream=index,codec_type,codec_name,width,height,"
            + "sample_aspect_ratio,r_frame_rate,avg_frame_rate,channels,channel_layout,sample_rate,field_order,"
            + "color_transfer,color_primaries,color_space:stream_disposition:stream_tags=language,title"
            + ":stream_side_data=side_data_type,rotation:program=program_id:program_stream=index",
    ];

    private readonly IMediaAnalysis analysis;

    private ProbeReport(IMediaAnalysis analysis, Dictionary<int, int> programs)
    {
        this.analysis = analysis;
        Streams = new StreamChoice(analysis.Raw.Streams, programs);
    }

    /// <summary>The streams that are the video.</summary>
    public StreamChoice Streams { get; }

    /// <summary>The announced length in seconds, where the container states it.</summary>
    public double? DurationSeconds => Number(analysis.Raw.Format.Duration) is { } seconds and > 0 ? seconds : null;

    /// <summary>The container's zero on its own clock, in seconds: ffmpeg subtracts it from every time.</summary>
    public double StartSeconds => Number(analysis.Raw.Format.StartTime) ?? 0;

    /// <summary>Whether the container names its packets in an index, which shows that a file was cut.</summary>
    public bool HasIndex => Containers.Any(name => name is "mov" or "matroska" or "avi" or "mxf");

    /// <summary>
    /// Whether ffmpeg, asked for a time, always begins at a key frame at or before it. Others are searched by their
    /// packets, and may be read from a key frame that is too late.
    /// </summary>
    public bool IsSeekable => Containers.Any(name => name is "mov" or "matroska");

    /// <summary>Whether the container's clock may begin again on the way, as it does where files are joined.</summary>
    public bool ClockResets => Containers.Any(name => name is "mpegts" or "mpeg" or "ogg");

    /// <summary>The index of the stream that is the picture, or null.</summary>
    public int? PictureIndex => Streams.Picture?.Index;

    /// <summary>The index of the stream that is the main sound, or null.</summary>
    public int? SoundIndex => Streams.Sounds is [var main, ..] ? main.Index : null;

    private string[] Containers => analysis.Raw.Format.FormatName?.Split(',') ?? [];

    /// <summary>
    /// Reads the JSON that <see cref="Entries"/> asks for. Throws <see cref="UnusableSourceException"/> when it is cut
    /// off by the bound on its length, or holds values that no video has.
    /// </summary>
    public static ProbeReport Read(string json)
    {
        try
        {
            return new ProbeReport(FFProbe.FromJson(json), Programs(json));
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or FFMpegException
                        or FormatException
                        or OverflowException
                        or ArgumentException
                        or IndexOutOfRangeException
                        or InvalidOperationException
            )
        {
            throw new UnusableSourceException(
                "The description of the file cannot be read.",
                "Export the video as MP4 and upload it again."
            );
        }
    }

    /// <summary>
    /// The source as viewers see it: rotation and pixel shape applied. Throws <see cref="UnusableSourceException"/>
    /// when there is no picture that can be decoded.
    /// </summary>
    public SourceInfo Describe(long sizeBytes)
    {
        var picture =
            Streams.Picture
            ?? throw new UnusableSourceException(
                analysis.AudioStreams.Count == 0
                    ? "The file holds no picture."
                    : "The file holds sound and no picture.",
                "Upload a file with a video track."
            );
        var video = analysis.VideoStreams[Streams.PicturePosition];
        var (width, height) = DisplaySize(video);
        if (Math.Min(width, height) < SideMin || Math.Max(width, height) > SideMax)
        {
            throw new UnusableSourceException(
                $"The picture of {width}x{height} pixels is outside {SideMin} to {SideMax} pixels a side.",
                "Export the video in a size such as 1920x1080 and upload it again."
            );
        }

        if (video.CodecName is null or "none" or "unknown")
            throw new UnusableSourceException(
                "The codec of the picture is unknown.",
                "Export the video as H.264 and upload it again."
            );
        var seen = StreamChoice.Describe(picture);
        var rate = FrameRate.Choose(video.RealFrameRate, video.AverageFrameRate);
        if (seen.Interlaced is true)
            rate = rate.OfFields;
        var sounds = Streams.Sounds;
        return new SourceInfo(
            DurationSeconds ?? 0,
            width,
            height,
            rate.Hz,
            video.CodecName,
            sounds is [var main, ..] ? main.Codec : null,
            sounds is [var same, ..] ? same.Channels : 0,
            sizeBytes,
            Picture: seen,
            Sounds: sounds.Count > 0 ? sounds : null,
            Texts: Streams.Texts is { Count: > 0 } texts ? texts : null
        );
    }

    /// <summary>The first program of each stream, by index; streams of files without programs are not in it.</summary>
    private static Dictionary<int, int> Programs(string json)
    {
        var found = new Dictionary<int, int>();
        using var report = JsonDocument.Parse(json);
        if (!report.RootElement.TryGetProperty("programs", out var programs))
            return found;
        foreach (var program in programs.EnumerateArray())
        {
            if (
                !program.TryGetProperty("program_id", out var number)
                || !program.TryGetProperty("streams", out var streams)
            )
                continue;
            foreach (var stream in streams.EnumerateArray())
            {
                if (stream.TryGetProperty("index", out var index))
                    found.TryAdd(index.GetInt32(), number.GetInt32());
            }
        }

        return found;
    }

    private static (int Width, int Height) DisplaySize(VideoStream video)
    {
        var (width, height) = ((double)(video.Width ?? 0), video.Height ?? 0);
        var (x, y) = video.SampleAspectRatio;
        if (x > 0 && y > 0)
            width = Math.Round(width * x / y);
        return Math.Abs(video.Rotation) % 180 == 90 ? (height, (int)width) : ((int)width, height);
    }

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
