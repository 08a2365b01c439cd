using System.CommandLine;
using EventStream.Cli.Supervisor;

namespace EventStream.Cli.Commands;

/// <summary>
/// <c>eventstream status</c>: what runs in a data folder, and what each role that is not in order says. Exit code 1
/// where nothing runs, not all of it, or a role is not ready.
/// </summary>
internal static class StatusCommand
{
    private const double Mebibyte = 1 << 20;

    public static Command Build() =>
        CommandLine.Verb("status", "Show the processes of the platform and its addresses.", [UpCommand.Data], RunAsync);

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var data = new DataFolder(parsed.GetValue(UpCommand.Data)!);
        if (RunFile.Read(data) is not { } run)
        {
            System.Console.WriteLine($"No platform runs in '{data.Root}'. `eventstream up` starts one.");
            return CommandLine.Failure;
        }

        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", data.Secret(DataFolder.OperatorKey));
        try
        {
            var url = $"{run.Urls["supervisor"]}/v1/processes";
            var all = await http.GetFromJsonAsync<List<ProcessStatus>>(url, cancellation) ?? [];
            Print(all);
            foreach (var (name, address) in run.Urls)
                System.Console.WriteLine($"{name, -14} {address}");
            return run.Ready && all.All(IsReady) ? 0 : CommandLine.Failure;
        }
        catch (HttpRequestException e)
        {
            throw new CommandException($"The supervisor (process {run.Pid}) does not answer: {e.Message}", e);
        }
    }

    private static bool IsReady(ProcessStatus process) =>
        process.State == "ready" && process.Health.All(role => role.State != RoleHealth.NotReady);

    private static void Print(List<ProcessStatus> all)
    {
        System.Console.WriteLine(
            $"{"process", -18} {"pid", 8} {"state", -11} {"restarts", 8} {"MiB (PSS)", 10}  roles"
        );
        foreach (var process in all)
        {
            System.Console.WriteLine(
                $"{process.Name, -18} {process.Pid, 8} {process.State, -11} {process.Restarts, 8} "
                    + $"{process.PssBytes / Mebibyte, 10:0.0}  {string.Join(' ', process.Roles)}"
            );
        }

        System.Console.WriteLine(
            $"{"together", -18} {"", 29} {all.Sum(process => process.PssBytes) / Mebibyte, 10:0.0}"
        );
        foreach (var role in all.SelectMany(process => process.Health).Where(role => role.State != RoleHealth.Ready))
            System.Console.WriteLine($"{role.Role} is {role.State}: {string.Join(' ', role.Why)}");
    }
}
