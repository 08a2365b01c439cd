using System.Diagnostics;

namespace EventStream.Tests.Kit;

/// <summary>
/// A file system of a few megabytes in memory, for tests of a full disk. To mount one takes the rights of root;
/// <see cref="SmallDiskFactAttribute"/> skips a test where they are missing.
/// </summary>
public sealed class SmallDisk : IDisposable
{
    private static readonly Lazy<bool> Possible = new(TryOnce);
    private readonly string ballast;

    private SmallDisk(string folder)
    {
        Folder = folder;
        ballast = Path.Combine(folder, "ballast");
    }

    public static bool IsPossible => Possible.Value;

    public string Folder { get; }

    public static SmallDisk Mount(int megabytes)
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", folder) != 0)
        {
            Directory.Delete(folder);
            throw new InvalidOperationException("No file system can be mounted here.");
        }

        return new SmallDisk(folder);
    }

    /// <summary>Takes all the room that is left.</summary>
    public void Fill()
    {
        using var file = new FileStream(ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var chunk = new byte[64 * 1024];
        for (var size = chunk.Length; size > 0; )
        {
            try
            {
                file.Write(chunk, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    /// <summary>Gives the room back that <see cref="Fill"/> took.</summary>
    public void Free() => File.Delete(ballast);

    public void Dispose()
    {
        // Lazily: a handle that is being closed somewhere must not fail the test that is over.
        _ = Run("umount", "-l", Folder);
        Directory.Delete(Folder);
    }

    private static bool TryOnce()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
            return false;
        try
        {
            Mount(1).Dispose();
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}

/// <summary>A fact that needs a <see cref="SmallDisk"/>; skipped where none can be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (!SmallDisk.IsPossible)
            Skip = "No file system can be mounted here; run as root.";
    }
}
