using System.Runtime.InteropServices;

namespace EventStream.Edge;

/// <summary>The one system call that .NET does not offer: a signal other than SIGKILL.</summary>
internal static class Posix
{
    public const int SigQuit = 3;
    public const int SigUsr1 = 10;
    public const int SigTerm = 15;

    /// <summary>Sends a signal; false where there is no such process or it may not be signalled.</summary>
    public static bool Signal(int processId, int signal) => kill(processId, signal) == 0;

#pragma warning disable SYSLIB1054 // Source-generated interop needs unsafe code, which this room does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int sig);
#pragma warning restore SYSLIB1054
}
