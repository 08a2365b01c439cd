using System.Collections.Concurrent;
using EventStream.Contracts;

namespace EventStream.Encode.Planner;

/// <summary>What was last heard of a task: how far it is (0..1), media seconds per wall second, and when.</summary>
public sealed record News(double Fraction, double Speed, DateTimeOffset HeardAt);

/// <summary>
/// The newest news of every running task. It is kept in memory only: after a restart of the planner every task counts
/// as heard of at that moment, and the next report of its worker fills it in.
/// </summary>
public sealed class TaskNews(TimeProvider clock)
{
    private readonly ConcurrentDictionary<(VideoId Video, string Task), News> heard = new();
    private readonly DateTimeOffset since = clock.GetUtcNow();

    /// <summary>Takes note of a report; nothing happens for other messages.</summary>
    public void Hear(IMessage message)
    {
        var now = clock.GetUtcNow();
        switch (message)
        {
            case EncodeTaskStarted e:
                heard[(e.VideoId, e.Task)] = new News(0, 0, now);
                break;
            case EncodeTaskProgressed e:
                heard[(e.VideoId, e.Task)] = new News(e.Fraction, e.Speed, now);
                break;
            case RenditionEncoded e:
                heard.TryRemove((e.VideoId, e.Rendition.Name), out _);
                break;
            case ThumbnailsMade e:
                heard.TryRemove((e.VideoId, EncodeTasks.Thumbnails), out _);
                break;
            case SourceProbed or SourceRejected or EncodeTaskFailed or EncodeCompleted:
                Forget(message);
                break;
            default:
                break;
        }
    }

    /// <summary>The newest report, or null.</summary>
    public News? Of(VideoId video, string task) => heard.GetValueOrDefault((video, task));

    /// <summary>When a task was last heard of, or sent.</summary>
    public DateTimeOffset LastHeard(VideoId video, JobTask task)
    {
        var known = Of(video, task.Name)?.HeardAt ?? since;
        return known > task.SentAt ? known : task.SentAt;
    }

    private void Forget(IMessage message)
    {
        if (message is EncodeTaskFailed failed)
        {
            heard.TryRemove((failed.VideoId, failed.Task), out _);
            return;
        }

        var video = message switch
        {
            SourceProbed e => e.VideoId,
            SourceRejected e => e.VideoId,
            _ => ((EncodeCompleted)message).VideoId,
        };
        foreach (var key in heard.Keys.Where(key => key.Video == video)) heard.TryRemove(key, out _);
    }
}
