using System.Net.Http.Json;
using EventStream.Cli.Supervisor;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Console;

/// <summary>What an operator is told of roles that cannot do their work, on a running platform.</summary>
public sealed class ConsoleHealthTests(ConsolePlatform platform) : IClassFixture<ConsolePlatform>
{
    private const float Patience = 90_000;

    [Fact]
    public async Task A_role_that_does_not_answer_any_more_is_named_by_status_and_on_the_operations_page()
    {
        await Wait.UntilAsync("every role is ready", async () => (await StatusAsync()).Code == 0);
        var analytics = (await ProcessesAsync()).Single(process => process.Name == "analytics");
        Assert.Equal(["qoe", "warehouse", "capacity"], analytics.Health.Select(role => role.Role));
        await SignalAsync("-STOP", analytics.Pid!.Value);
        try
        {
            await Wait.UntilAsync("status says so", async () => (await StatusAsync()).Code == 1);
            var (_, output) = await StatusAsync();
            Assert.Contains("qoe is not ready: It does not answer within 5 s.", output);

            var (page, _) = await platform.OpenAsync("/operations");
            var fault = page.Locator("#t-processes [data-role='qoe']");
            await fault.WaitForAsync(new() { Timeout = Patience });
            Assert.Contains("It does not answer within 5 s.", await fault.InnerTextAsync());
            await page.Context.CloseAsync();
        }
        finally
        {
            await SignalAsync("-CONT", analytics.Pid!.Value);
        }

        await Wait.UntilAsync("every role is ready again", async () => (await StatusAsync()).Code == 0);
    }

    private async Task<(int Code, string Output)> StatusAsync()
    {
        var (code, output, _) = await Command.RunAsync(
            TimeSpan.FromSeconds(60),
            EventStreamProcess.Program,
            ["status", "--data", platform.Data.Root]
        );
        return (code, output);
    }

    private async Task<List<ProcessStatus>> ProcessesAsync()
    {
        using var http = TestKeys.Client(platform.OperatorKey);
        return (await http.GetFromJsonAsync<List<ProcessStatus>>($"{platform.Ports.Url("supervisor")}/v1/processes"))!;
    }

    private static async Task SignalAsync(string signal, int process)
    {
        var (code, _, errors) = await Command.RunAsync(TimeSpan.FromSeconds(10), "kill", [signal, $"{process}"]);
        Assert.True(code == 0, errors);
    }
}
