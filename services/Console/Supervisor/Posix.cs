using System.Runtime.InteropServices;

namespace EventStream.Console.Supervisor;

/// <summary>The one system call that .NET does not offer: a signal other than SIGKILL.</summary>
internal static class Posix
{
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>Signals a process, or its group where the id is negative; false where there is none.</summary>
    public static bool Signal(int processId, int signal) => kill(processId, signal) == 0;

    /// <summary>Whether there is such a process.</summary>
    public static bool Exists(int processId) => kill(processId, 0) == 0;

#pragma warning disable SYSLIB1054 // Source-generated interop needs unsafe code, which this project does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int sig);
#pragma warning restore SYSLIB1054
}
