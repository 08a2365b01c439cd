using System.Text;
using EventStream.Contracts;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// The layout of a thumbnail sprite: tiles in rows, one each <paramref name="IntervalSeconds"/>. Sizes in pixels.
/// </summary>
public sealed record SpriteSheet(
    double IntervalSeconds,
    int Tiles,
    int Columns,
    int Rows,
    int TileWidth,
    int TileHeight,
    bool KeyFramesOnly
)
{
    /// <summary>More tiles make a sheet that is slow to load; longer videos get a longer interval instead.</summary>
    public const int TilesMax = 100;

    private const int ColumnsMax = 10;

    /// <summary>
    /// Beyond this length only key frames are decoded, since the nearest one is close enough for a preview.
    /// </summary>
    private static readonly TimeSpan DecodeAllBelow = TimeSpan.FromMinutes(2);

    /// <summary>Lays out the sheet of a source.</summary>
    public static SpriteSheet For(SourceInfo source)
    {
        var interval = Math.Max(1, Math.Ceiling(source.DurationSeconds / TilesMax));
        var tiles = Math.Clamp((int)Math.Ceiling(source.DurationSeconds / interval), 1, TilesMax);
        var columns = Math.Min(tiles, ColumnsMax);
        var height = (int)Math.Round((double)FfmpegRecipes.ThumbnailWidth * source.Height / source.Width / 2) * 2;
        return new SpriteSheet(
            interval,
            tiles,
            columns,
            (tiles + columns - 1) / columns,
            FfmpegRecipes.ThumbnailWidth,
            Math.Clamp(height, 2, 640),
            source.DurationSeconds > DecodeAllBelow.TotalSeconds
        );
    }

    /// <summary>A sheet of the first picture alone, for a source where the tiles' instants find none.</summary>
    public SpriteSheet OfOneTile(double durationSeconds) =>
        this with
        {
            IntervalSeconds = Math.Max(1, durationSeconds),
            Tiles = 1,
            Columns = 1,
            Rows = 1,
            KeyFramesOnly = false,
        };

    /// <summary>The WebVTT index: one cue a tile, its payload the sprite with a media fragment <c>#xywh=</c>.</summary>
    public string Index(string spriteName, double durationSeconds)
    {
        var text = new StringBuilder("WEBVTT\n");
        for (var i = 0; i < Tiles; i++)
        {
            var end = i == Tiles - 1 ? Math.Max(durationSeconds, i * IntervalSeconds) : (i + 1) * IntervalSeconds;
            text.Append($"\n{Clock(i * IntervalSeconds)} --> {Clock(end)}\n{spriteName}#xywh=")
                .Append($"{i % Columns * TileWidth},{i / Columns * TileHeight},{TileWidth},{TileHeight}\n");
        }

        return text.ToString();
    }

    private static string Clock(double seconds) =>
        $"{(int)(seconds / 3600):00}:{TimeSpan.FromSeconds(seconds):mm\\:ss\\.fff}";
}
