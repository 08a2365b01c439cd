using System.Globalization;
using System.Text.Json;
using EventStream.Contracts;

namespace EventStream.Encode.Ffmpeg;

/// <summary>What ffprobe wrote as JSON, as far as a ladder needs it. It owns the meaning of ffprobe's words.</summary>
public sealed class ProbeReport
{
    /// <summary>Picture sides in pixels that H.264 encoders and players handle.</summary>
    public const int SideMin = 16, SideMax = 8192;

    private readonly JsonElement root;

    private ProbeReport(JsonElement root) => this.root = root;

    /// <summary>The announced length in seconds, where the container tells it.</summary>
    public double? DurationSeconds =>
        root.TryGetProperty("format", out var format) && Number(format, "duration") is > 0 and var told ? told : null;

    /// <summary>Reads the JSON of <c>-show_format -show_streams</c>. Throws <see cref="JsonException"/>.</summary>
    public static ProbeReport Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new ProbeReport(document.RootElement.Clone());
    }

    /// <summary>
    /// The source as viewers see it: rotation and pixel shape applied. Throws <see cref="UnusableSourceException"/>
    /// when there is no picture that can be decoded.
    /// </summary>
    public SourceInfo Describe(long sizeBytes)
    {
        var streams = root.TryGetProperty("streams", out var list) ? list.EnumerateArray().ToList() : [];
        var audio = streams.FirstOrDefault(stream => Is(stream, "audio"));
        var video = streams.FirstOrDefault(stream => Is(stream, "video") && !IsCover(stream));
        if (video.ValueKind == JsonValueKind.Undefined) throw WithoutPicture(
            audio.ValueKind != JsonValueKind.Undefined);
        var (width, height) = DisplaySize(video);
        if (Math.Min(width, height) < SideMin || Math.Max(width, height) > SideMax)
        {
            throw new UnusableSourceException(
                $"The picture of {width}x{height} pixels is outside {SideMin} to {SideMax} pixels a side.",
                "Export the video in a size such as 1920x1080 and upload it again.");
        }

        var codec = Text(video, "codec_name");
        if (codec is null or "none" or "unknown")
            throw new UnusableSourceException("The codec of the picture is unknown.",
                "Export the video as H.264 and upload it again.");
        var rate = FrameRate.Choose(Text(video, "r_frame_rate"), Text(video, "avg_frame_rate"));
        var channels = audio.ValueKind == JsonValueKind.Undefined ? 0 : (int)(Number(audio, "channels") ?? 0);
        return new SourceInfo(
            DurationSeconds ?? 0, width, height, rate.Hz, codec, channels > 0 ? Text(audio, "codec_name")
                : null, channels,
            sizeBytes);
    }

    private static UnusableSourceException WithoutPicture(bool hasSound) => new(
        hasSound ? "The file holds sound and no picture."
            : "The file holds no picture.", "Upload a file with a video track.");

    private static (int Width, int Height) DisplaySize(JsonElement video)
    {
        var width = Number(video, "width") ?? 0;
        var height = Number(video, "height") ?? 0;
        if (Ratio(Text(video, "sample_aspect_ratio")) is { } shape) width = Math.Round(width * shape);
        return Math.Abs(Rotation(video)) % 180 == 90 ? ((int)height, (int)width) : ((int)width, (int)height);
    }

    private static double Rotation(JsonElement video)
    {
        if (!video.TryGetProperty("side_data_list", out var list)) return 0;
        foreach (var data in list.EnumerateArray())
        {
            if (Number(data, "rotation") is { } degrees) return degrees;
        }

        return 0;
    }

    private static double? Ratio(string? text)
    {
        var parts = (text ?? "").Split(':');
        return parts.Length == 2 && double.TryParse(parts[0], CultureInfo.InvariantCulture, out var x)
            && double.TryParse(parts[1], CultureInfo.InvariantCulture, out var y) && x > 0 && y > 0 ? x / y : null;
    }

    private static bool Is(JsonElement stream, string type) => Text(stream, "codec_type") == type;

    private static bool IsCover(JsonElement stream) =>
        stream.TryGetProperty("disposition", out var disposition) && Number(disposition, "attached_pic") == 1;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()
            : null;

    private static double? Number(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Number) return value.GetDouble();
        return double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }
}
