using System.Runtime.InteropServices;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// Keeps the signal handlers of .NET. <c>chdb_connect</c> replaces those of eight signals, after which the first
/// NullReferenceException of managed code hangs the process; so the handlers are saved before and put back after.
/// A fault on any thread in between is fatal, so the engine connects before anything else runs.
/// </summary>
internal static unsafe partial class SignalGuard
{
    /// <summary>Size of glibc's <c>struct sigaction</c> on x86-64 and arm64, in bytes.</summary>
    private const int ActionBytes = 152;

    private const int SignalMax = 64;

    /// <summary>Runs <paramref name="action"/> and puts every signal's handler back as it was before.</summary>
    public static T Run<T>(Func<T> action)
    {
        var saved = new byte[(SignalMax + 1) * ActionBytes];
        var known = new bool[SignalMax + 1];
        fixed (byte* actions = saved)
        {
            for (var signal = 1; signal <= SignalMax; signal++)
                known[signal] = SigAction(signal, null, actions + (signal * ActionBytes)) == 0;
            try
            {
                return action();
            }
            finally
            {
                for (var signal = 1; signal <= SignalMax; signal++)
                {
                    if (known[signal])
                        _ = SigAction(signal, actions + (signal * ActionBytes), null);
                }
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    private static partial int SigAction(int signal, byte* action, byte* previous);
}
