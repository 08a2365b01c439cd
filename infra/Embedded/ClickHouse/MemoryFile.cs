using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// A file without a name, in memory. Rows to be inserted go through one, because the engine cuts data that is
/// inside a statement at a semicolon before a line break, whatever its format; a file it reads as bytes.
/// </summary>
internal sealed partial class MemoryFile : IDisposable
{
    private const uint CloseOnExec = 1;

    private readonly SafeFileHandle handle;

    public MemoryFile()
    {
        handle = new SafeFileHandle(Create("rows", CloseOnExec), ownsHandle: true);
        if (handle.IsInvalid)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "memfd_create failed");
        Stream = new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0);
    }

    /// <summary>Writes to the end of the file; unbuffered, so that the engine sees every byte written.</summary>
    public FileStream Stream { get; }

    /// <summary>The path at which this process, and so the engine, reads the file.</summary>
    public string Path => $"/proc/self/fd/{handle.DangerousGetHandle()}";

    /// <summary>All bytes of the file.</summary>
    public byte[] ReadAll() => File.ReadAllBytes(Path);

    public void Dispose()
    {
        Stream.Dispose();
        handle.Dispose();
    }

    [LibraryImport(
        "libc",
        EntryPoint = "memfd_create",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial nint Create(string name, uint flags);
}
