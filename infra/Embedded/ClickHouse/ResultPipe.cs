using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// A pipe into which the engine writes a whole document while it makes it. It holds one megabyte, so a slow reader
/// slows the engine down.
/// </summary>
internal sealed unsafe partial class ResultPipe : IDisposable
{
    private const int CloseOnExec = 0x80000,
        SetPipeSize = 1031,
        Bytes = 1 << 20,
        ReadBytes = 256 * 1024;

    private readonly SafeFileHandle read;
    private readonly SafeFileHandle write;

    public ResultPipe()
    {
        var ends = stackalloc int[2];
        if (Pipe(ends, CloseOnExec) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "pipe2 failed");
        read = new SafeFileHandle(ends[0], ownsHandle: true);
        write = new SafeFileHandle(ends[1], ownsHandle: true);
        // Where the user may not have a larger pipe, a smaller one only costs more switches.
        _ = Control(ends[1], SetPipeSize, Bytes);
    }

    /// <summary>The path at which the engine opens the pipe for writing.</summary>
    public string Path => $"/proc/self/fd/{write.DangerousGetHandle()}";

    /// <summary>Ends the pipe once the engine has closed its own end.</summary>
    public void Close() => write.Dispose();

    /// <summary>Hands on what is written, to the end; an exception of <paramref name="use"/> closes it.</summary>
    public void ReadAll(Action<byte[]> use)
    {
        using var stream = new FileStream(read, FileAccess.Read, bufferSize: 0);
        var buffer = new byte[ReadBytes];
        while (stream.Read(buffer) is var length and > 0)
            use(buffer[..length]);
    }

    public void Dispose()
    {
        write.Dispose();
        read.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    private static partial int Pipe(int* ends, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int handle, int command, int value);
}
