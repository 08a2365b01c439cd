using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>Runs the clients of other languages, with scripts that lie beside this file.</summary>
internal static class StockClients
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    private static readonly string Folder = Path.Combine(Checkout.Root, "tests", "Embedded", "Integration", "Broker");

    private static string NodeModules => Path.Combine(Checkout.Root, "artifacts", "tools", "node_modules");

    /// <summary>What KafkaJS got done.</summary>
    public static async Task<string[]> KafkaJsAsync(string bootstrap, string options = "{}") =>
        Done(
            await Command.RunAsync(
                Limit,
                "node",
                [Path.Combine(Folder, "stock-client.cjs"), bootstrap, $"js-{Guid.NewGuid():N}", options],
                environment: new Dictionary<string, string> { ["NODE_PATH"] = NodeModules }
            )
        );

    /// <summary>What kafka-python, of Debian's own Python, got done.</summary>
    public static async Task<string[]> KafkaPythonAsync(string bootstrap, string options = "{}") =>
        Done(
            await Command.RunAsync(
                Limit,
                "/usr/bin/python3",
                [Path.Combine(Folder, "stock_client.py"), bootstrap, $"py-{Guid.NewGuid():N}", options]
            )
        );

    /// <summary>What kcat printed; it has to succeed.</summary>
    public static async Task<string> KcatAsync(string bootstrap, string? input, params string[] arguments)
    {
        var (exitCode, output, errors) = await Command.RunAsync(Limit, "kcat", ["-b", bootstrap, .. arguments], input);
        Assert.True(exitCode == 0, output + errors);
        return output;
    }

    private static string[] Done((int ExitCode, string Output, string Errors) run)
    {
        Assert.True(run.ExitCode == 0, run.Output + run.Errors);
        return
        [
            .. run.Output.Split('\n').Where(l => l.StartsWith("ok ", StringComparison.Ordinal)).Select(l => l[3..]),
        ];
    }
}
