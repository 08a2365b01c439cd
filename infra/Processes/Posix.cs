using System.Runtime.InteropServices;

namespace EventStream.Processes;

/// <summary>System calls that .NET does not offer: signals other than SIGKILL, and the mask of file modes.</summary>
public static class Posix
{
    public const int SigQuit = 3;
    public const int SigKill = 9;
    public const int SigUsr1 = 10;
    public const int SigTerm = 15;

    /// <summary>Signals a process, or its group where the id is negative; false where there is none.</summary>
    public static bool Signal(int processId, int signal) => kill(processId, signal) == 0;

    /// <summary>Whether there is such a process.</summary>
    public static bool Exists(int processId) => kill(processId, 0) == 0;

    /// <summary>
    /// What this process and its children create from now on is for their own user only, unless they say otherwise.
    /// </summary>
    public static void CreateForOwnerOnly() => _ = umask(OthersAndGroup);

    /// <summary>Octal 077.</summary>
    private const uint OthersAndGroup = 0x3F;

#pragma warning disable SYSLIB1054 // Source-generated interop needs unsafe code, which this project does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int sig);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint umask(uint mask);
#pragma warning restore SYSLIB1054
}
