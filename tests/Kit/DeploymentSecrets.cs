using System.Diagnostics;

namespace EventStream.Tests.Kit;

/// <summary>
/// The secrets of a deployment as <c>infra/deploy/secrets.sh</c> makes them, in a folder of their own.
/// </summary>
public sealed class DeploymentSecrets : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("eventstream-secrets-");

    public DeploymentSecrets() => Run();

    /// <summary>The folder with one file a key or password.</summary>
    public string Folder => Path.Combine(root.FullName, "secrets");

    /// <summary>What <c>docker compose</c> reads for the variables of its file.</summary>
    public IReadOnlyDictionary<string, string> ComposeVariables => Read(Path.Combine(root.FullName, ".env"));

    /// <summary>What a Kubernetes secret made from <c>NAME.env</c> gives a container.</summary>
    public IReadOnlyDictionary<string, string> Environment(string secret, bool isOptional = false)
    {
        var file = Path.Combine(Folder, $"{secret}.env");
        return isOptional && !File.Exists(file) ? new Dictionary<string, string>() : Read(file);
    }

    /// <summary>Runs the script, which makes only what is missing.</summary>
    public void Run()
    {
        var script = Path.Combine(Checkout.Root, "infra", "deploy", "secrets.sh");
        var start = new ProcessStartInfo(script, [Folder, Path.Combine(root.FullName, ".env")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }

    public void Dispose() => root.Delete(recursive: true);

    private static Dictionary<string, string> Read(string file) =>
        File.ReadAllLines(file).Select(line => line.Split('=', 2)).ToDictionary(parts => parts[0], parts => parts[1]);
}
