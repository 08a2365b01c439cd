using Microsoft.Extensions.Configuration;

namespace EventStream.Processes;

/// <summary>
/// Finds the programs and libraries that the platform uses but does not contain. <c>EVENTSTREAM__TOOLS__NAME</c>
/// names one outright; else Debian's are looked up on the PATH and npm's below <c>artifacts/tools</c>, where
/// <c>make</c> puts them.
/// </summary>
public static class Tools
{
    /// <summary>Path of a program such as <c>ffmpeg</c>. Throws <see cref="MissingToolException"/>.</summary>
    public static string Program(IConfiguration configuration, string name, string debianPackage)
    {
        var named = configuration[$"Tools:{name}"];
        if (named is not null)
            return File.Exists(named) ? named : throw new MissingToolException(name, $"Tools:{name} names '{named}'");
        return Find(name)
            ?? throw new MissingToolException(name, $"run `make setup`, or `apt-get install {debianPackage}`");
    }

    /// <summary>Path of a program on the PATH, or null.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Append("/usr/sbin")
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    /// <summary>Path of a file inside an npm package, such as <c>hls.js/dist/hls.min.js</c>.</summary>
    public static string Npm(IConfiguration configuration, string relativePath)
    {
        var root = configuration["Tools:NodeModules"] ?? FindNodeModules();
        var path = root is null ? null : Path.Combine(root, relativePath);
        return path is not null && File.Exists(path)
            ? path
            : throw new MissingToolException(relativePath, "run `make setup`, or set EVENTSTREAM__TOOLS__NODEMODULES");
    }

    private static string? FindNodeModules()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            foreach (var candidate in (string[])["artifacts/tools/node_modules", "tools/node_modules"])
            {
                var path = Path.Combine(folder.FullName, candidate);
                if (Directory.Exists(path))
                    return path;
            }
        }

        return null;
    }
}

/// <summary>A program or library is not on this machine; the message says how to get it.</summary>
public sealed class MissingToolException(string tool, string remedy) : Exception($"'{tool}' was not found: {remedy}.")
{
    public string Tool { get; } = tool;
}
