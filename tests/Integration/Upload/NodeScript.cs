using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Programs of npm packages, run by a script beside the tests that ends with one line of JSON.</summary>
internal static class NodeScript
{
    /// <summary>
    /// Runs a script for at most 60 seconds, or <paramref name="patience"/>. Fails the test where it does not end, or
    /// prints no line of JSON.
    /// </summary>
    public static async Task<JsonElement> RunAsync(
        string script,
        string[] arguments,
        string? certificateFile = null,
        TimeSpan? patience = null
    )
    {
        var start = new ProcessStartInfo("node", [Beside(script), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["NODE_MODULES"] = Path.Combine(Checkout.Root, "artifacts/tools/node_modules") },
        };
        if (certificateFile is not null)
            start.Environment["NODE_EXTRA_CA_CERTS"] = certificateFile;
        using var process = Process.Start(start)!;
        using var bound = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(60));
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"{script} did not end; it wrote:\n{await output}\n{await error}");
        }

        var line = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return line is null ? throw new InvalidOperationException(await error) : JsonDocument.Parse(line).RootElement;
    }

    private static string Beside(string script, [CallerFilePath] string self = "") =>
        Path.Combine(Path.GetDirectoryName(self)!, script);
}
