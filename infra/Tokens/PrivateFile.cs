namespace EventStream.Tokens;

/// <summary>Files that only their owner may read, from the first byte on.</summary>
public static class PrivateFile
{
    /// <summary>Writes a new file. Throws <see cref="IOException"/> where one is there already.</summary>
    public static void Create(string path, string content)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(content);
    }
}
