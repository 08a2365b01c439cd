using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventStream.Encode.Programs;

/// <summary>
/// The one thread that starts programs. Linux sends the death signal of a child when the thread that forked it ends,
/// and threads of the pool end when they are idle, so children are forked by a thread that lives as long as this
/// process.
/// </summary>
internal static class ProgramThread
{
    private static readonly BlockingCollection<(Process Process, TaskCompletionSource Done)> Waiting = [];

    static ProgramThread() =>
        new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "program starter" }.Start();

    /// <summary>Starts a process. Throws what <see cref="Process.Start()"/> throws.</summary>
    public static Task StartAsync(Process process)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Waiting.Add((process, done));
        return done.Task;
    }

    private static void Run()
    {
        foreach (var (process, done) in Waiting.GetConsumingEnumerable())
        {
            try
            {
                process.Start();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }
}
