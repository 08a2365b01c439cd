using System.CommandLine;
using System.Reflection;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream version</c>: the version of the build.</summary>
internal static class VersionCommand
{
    public static Command Build()
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(_ => System.Console.WriteLine(Text));
        return command;
    }

    private static string Text =>
        typeof(VersionCommand)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion
        ?? "unknown";
}
