using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Library;

/// <summary>
/// The revision of what a publisher says of a video, as an entity tag, so that two who change a video at the same time
/// do not overwrite each other. Progress of the encoding does not change it: <c>ETag</c> and <c>If-Match</c> are about
/// title, tags and metadata.
/// </summary>
internal sealed class Revision
{
    public const string HeaderText =
        "The ETag of the video as it was read: the change is refused where title, tags or metadata were changed since.";

    /// <summary>The tags that are accepted; null accepts any.</summary>
    private readonly string[]? tags;

    private Revision(string[]? tags) => this.tags = tags;

    /// <summary>The entity tag of a revision.</summary>
    public static string TagOf(int revision) => string.Create(CultureInfo.InvariantCulture, $"\"{revision}\"");

    /// <summary>
    /// What a request insists on. Throws <see cref="UploadProblemException"/> (400) for a header that is no list of
    /// entity tags.
    /// </summary>
    public static Revision Wanted(HttpRequest request)
    {
        if (request.Headers.IfMatch.Count == 0)
            return new Revision(null);
        var read = request.GetTypedHeaders().IfMatch;
        if (read.Count == 0)
            throw new UploadProblemException(
                StatusCodes.Status400BadRequest,
                "If-Match cannot be read",
                $"'{request.Headers.IfMatch}' is no entity tag; send the ETag that GET answered, such as \"3\"."
            );
        return read.Any(tag => tag.Tag == "*")
            ? new Revision(null)
            : new Revision([.. read.Where(tag => !tag.IsWeak).Select(tag => tag.Tag.ToString())]);
    }

    /// <summary>Refuses another revision. Throws <see cref="UploadProblemException"/> (412).</summary>
    public void Check(Video video)
    {
        if (tags is null || tags.Contains(TagOf(video.Revision), StringComparer.Ordinal))
            return;
        throw new UploadProblemException(
            StatusCodes.Status412PreconditionFailed,
            "The video was changed meanwhile",
            $"Its ETag is {TagOf(video.Revision)} now. Read it, look at what changed, and send the change again."
        );
    }
}
