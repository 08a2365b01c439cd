using System.Runtime.InteropServices;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Brings a folder's entries to the disk. A file that was made or renamed survives the loss of power only when the
/// folder that names it was flushed, too; .NET has no call for that.
/// </summary>
internal static class FolderFlush
{
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var file = open(folder, 0);
        if (file < 0)
        {
            throw Refused(folder);
        }
        try
        {
            if (fsync(file) != 0)
            {
                throw Refused(folder);
            }
        }
        finally
        {
            _ = close(file);
        }
    }

    private static IOException Refused(string folder) =>
        new($"The folder {folder} could not be flushed: {Marshal.GetLastPInvokeErrorMessage()}.");

#pragma warning disable SYSLIB1054 // Source-generated interop needs unsafe code, which this project does without.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fsync(int file);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int file);
#pragma warning restore SYSLIB1054
}
