using EventStream.Media;
using EventStream.Playback.Catalogue;

namespace EventStream.Playback.Origin;

/// <summary>
/// Where a path below <c>/media/{videoId}/</c> is kept: <c>{track}/{file}</c> in the folder of the track,
/// <c>thumbnails{edition}/{file}</c> under the key of the poster, sprite or index of that file name. Nothing else is
/// served.
/// </summary>
internal static class MediaPaths
{
    private const string ThumbnailsFolder = "thumbnails";

    /// <summary>The media key, or null where the video has no such file.</summary>
    public static string? KeyOf(CatalogueVideo video, string path)
    {
        if (path.Split('/') is not [var folder, var file])
            return null;
        if (folder == ThumbnailsFolder + video.EditionSuffix)
            return ThumbnailKeys(video).FirstOrDefault(candidate => FileName(candidate) == file);
        if (video.Served.FirstOrDefault(track => track.Media.Name == folder) is not { } track)
            return null;
        var key = $"{track.Media.Prefix.TrimEnd('/')}/{file}";
        return MediaKeys.IsValid(key) ? key : null;
    }

    /// <summary>The path, relative to the video's folder, under which a thumbnail's key is served.</summary>
    public static string ThumbnailPath(CatalogueVideo video, string key) =>
        $"{ThumbnailsFolder}{video.EditionSuffix}/{FileName(key)}";

    /// <summary>The content type by the file's ending.</summary>
    public static string ContentTypeOf(string path) =>
        Path.GetExtension(path) switch
        {
            ".m4s" => "video/iso.segment",
            ".mp4" => "video/mp4",
            ".m3u8" => "application/vnd.apple.mpegurl",
            ".jpg" => "image/jpeg",
            ".png" => "image/png",
            ".vtt" => "text/vtt; charset=utf-8",
            _ => "application/octet-stream",
        };

    private static string[] ThumbnailKeys(CatalogueVideo video) =>
        video.Thumbnails is { } made ? [made.PosterKey, made.SpriteKey, made.IndexKey] : [];

    private static string FileName(string key) => key[(key.LastIndexOf('/') + 1)..];
}
