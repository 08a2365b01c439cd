using System.Diagnostics;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

[Trait("Category", "Integration")]
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class StockClientTests(EmbeddedClickHouse engine)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task ClickHouse_s_own_client_works_unchanged()
    {
        var folder = Path.Combine(Checkout.Root, "tests", "Embedded", "Integration", "ClickHouse");
        var start = new ProcessStartInfo("node")
        {
            ArgumentList =
            {
                Path.Combine(folder, "stock-client.cjs"),
                engine.Process.Url,
                EmbeddedClickHouse.Password,
                EmbeddedClickHouse.ReaderPassword,
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NODE_PATH"] = Path.Combine(Checkout.Root, "artifacts", "tools", "node_modules");
        using var node = Process.Start(start)!;
        var output = node.StandardOutput.ReadToEndAsync();
        var errors = node.StandardError.ReadToEndAsync();
        await node.WaitForExitAsync().WaitAsync(Patience);
        Assert.True(node.ExitCode == 0, await output + await errors);
        Assert.Equal(13, (await output).Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
    }
}
