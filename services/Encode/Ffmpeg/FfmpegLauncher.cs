using System.Security.Cryptography;
using System.Text;
using EventStream.Processes;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// FFMpegCore starts the file <c>ffmpeg</c> of a folder with nothing in front of it. The launcher is that file: a
/// script that becomes the real ffmpeg with its priority and its death signal set.
/// </summary>
internal static class FfmpegLauncher
{
    /// <summary>For the owner alone, as everything in a data folder.</summary>
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>
    /// Writes the launcher below <paramref name="workFolder"/>, which must allow programs to run, and returns its
    /// folder. The folder is named for the script, so that workers with the same settings share it. Throws
    /// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.
    /// </summary>
    public static string Write(string program, string workFolder, ProgramOptions options)
    {
        var words = options.Prefix.Append(program).Select(word => $"'{word.Replace("'", "'\\''")}'");
        var script = $"#!/bin/sh\nexec {string.Join(' ', words)} \"$@\"\n";
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        var folder = Path.Combine(Path.GetFullPath(workFolder), $"launcher-{digest[..16]}");
        var launcher = Path.Combine(folder, "ffmpeg");
        if (File.Exists(launcher))
            return folder;
        Directory.CreateDirectory(folder);
        // Another worker may do the same at this moment: the rename makes the file appear whole.
        var whole = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        File.WriteAllText(whole, script);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(whole, Executable);
        File.Move(whole, launcher, overwrite: true);
        return folder;
    }
}
