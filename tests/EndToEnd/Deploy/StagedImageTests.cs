using EventStream.Cli;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Deploy;

/// <summary>
/// What <c>make image</c> puts into the container image: the published command with its own runtime and the packages
/// beside it. The engine of the embedded ClickHouse is this machine's: an image is used with a ClickHouse server.
/// </summary>
public sealed class StagedImageTests
{
    /// <summary>
    /// From one line to the next. Staging compiles the command and takes what a machine has left; the native code of
    /// all its assemblies is one line.
    /// </summary>
    private static readonly TimeSpan StageLimit = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan StatusLimit = TimeSpan.FromSeconds(30);
    private static readonly string Stage = Path.Combine(Checkout.Root, "artifacts", "image");

    [Fact]
    public async Task The_staged_command_starts_every_role()
    {
        await StageAsync();
        var program = Path.Combine(Stage, "publish", "eventstream");

        await using var platform = await PlatformProcess.StartProgramAsync(
            program,
            null,
            [("Tools:NodeModules", Path.Combine(Checkout.Root, "artifacts", "tools", "node_modules"))]
        );

        var status = await Command.RunAsync(StatusLimit, program, ["status", "--data", platform.Data.Root]);
        Assert.True(status.ExitCode == 0, status.Output + status.Errors);
        var running = status.Output.Split(['\n', ' '], StringSplitOptions.RemoveEmptyEntries);
        Assert.All(Roles.All(), role => Assert.Contains(role.Name, running));
    }

    private static async Task StageAsync()
    {
        var staged = await Command.RunWhileItWritesAsync(
            StageLimit,
            Path.Combine(Checkout.Root, "infra", "deploy", "image.sh"),
            [],
            new Dictionary<string, string> { ["CONTAINER_ENGINE"] = "none" }
        );
        Assert.True(staged.ExitCode == 0, staged.Output + staged.Errors);
        Assert.All(
            ["hls.js", "dashjs", "shaka-packager"],
            package => Assert.True(File.Exists(Path.Combine(Stage, "node_modules", package, "package.json")), package)
        );
    }
}
