using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using EventStream.Cli.Supervisor;
using EventStream.Hosting.Access;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Cli;

/// <summary>
/// <c>docs/security.md</c> lists every door of the platform; a platform that runs as <c>up</c> starts it has those and
/// no others, and each is as closed as the table says.
/// </summary>
public sealed partial class DoorsTests : IAsyncLifetime
{
    private static readonly HttpClient Stranger = new() { Timeout = TimeSpan.FromSeconds(20) };
    private static readonly string Document = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "security.md"));
    private PlatformProcess platform = null!;

    public async Task InitializeAsync() => platform = await PlatformProcess.StartAsync();

    public async Task DisposeAsync() => await platform.DisposeAsync();

    [Fact]
    public async Task The_table_of_doors_is_that_of_a_running_platform()
    {
        var roles = Rows("routes")
            .GroupBy(row => row[0], row => new Door(row[1], row[2], row[3]))
            .ToDictionary(group => group.Key, group => group.ToList());
        var everyRole = roles["every role"];
        using var asOperator = new HttpClient();
        asOperator.DefaultRequestHeaders.Authorization = new("Bearer", platform.Data.Secret(DataFolder.OperatorKey));
        foreach (var role in PortPlan.Roles.Append("encode-worker"))
        {
            var url =
                role == "encode-worker" ? $"http://127.0.0.1:{platform.Ports.Worker(0)}" : platform.Ports.Url(role);
            var doors = await asOperator.GetFromJsonAsync<List<Door>>($"{url}/v1/doors");
            var expected = everyRole.Concat(roles.GetValueOrDefault(role, []));
            Assert.Equal(
                expected.Select(door => $"{role}: {door}").Order(StringComparer.Ordinal),
                doors!.Select(door => $"{role}: {door}").Order(StringComparer.Ordinal)
            );
            foreach (var door in doors!)
                await CheckAsync(url, door);
        }
    }

    [Fact]
    public async Task The_platform_listens_on_the_documented_sockets_and_on_loopback_only()
    {
        var listed = Rows("sockets").Select(row => (Kind: row[0], Port: Moved(row[1]))).ToHashSet();
        var found = await ListeningAsync(listed.Select(socket => socket.Port).ToHashSet());
        Assert.Equal(listed.Order(), found.Select(socket => (socket.Kind, socket.Port)).Distinct().Order());
        Assert.All(found, socket => Assert.True(IPAddress.IsLoopback(socket.Address), $"{socket} is open to others"));
    }

    /// <summary>A stranger gets 401 at every door that is not open, whatever else its request lacks.</summary>
    private static async Task CheckAsync(string url, Door door)
    {
        var path = Parameter().Replace(door.Route, "x");
        foreach (var method in door.Methods.Split(' ').Select(word => word == "any" ? "GET" : word))
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), url + path);
            if (path == "/api/live")
                continue;
            using var answer = await Stranger.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var status = (int)answer.StatusCode;
            // What is open here may still ask for a signature, or for ClickHouse's own password.
            var isAsDocumented = door.Policy == "anyone" ? status < 500 : status == 401;
            Assert.True(isAsDocumented, $"{method} {url}{path} ({door.Policy}): {answer.StatusCode}");
        }
    }

    /// <summary>A port of the default base where this platform has it.</summary>
    private int Moved(string port) =>
        int.Parse(port, CultureInfo.InvariantCulture) - PortPlan.DefaultBase + platform.Ports.Base;

    /// <summary>
    /// Sockets in the platform's block of ports, and those that are documented outside of it, as the kernel knows them.
    /// </summary>
    private async Task<List<(string Kind, IPAddress Address, int Port)>> ListeningAsync(HashSet<int> documented)
    {
        var (_, output, _) = await Command.RunAsync(TimeSpan.FromSeconds(10), "ss", ["-H", "-l", "-n", "-t", "-u"]);
        var block = Enumerable.Range(platform.Ports.Base, 100).ToHashSet();
        var sockets = output
            .Split('\n')
            .Select(line => SocketLine().Match(line))
            .Where(match => match.Success)
            .Select(match =>
                (
                    Kind: match.Groups[1].Value,
                    Address: Parse(match.Groups[2].Value),
                    Port: int.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture)
                )
            );
        return [.. sockets.Where(socket => documented.Contains(socket.Port) || block.Contains(socket.Port))];
    }

    private static IPAddress Parse(string text) =>
        text == "*" ? IPAddress.Any : IPAddress.Parse(text.Split('%')[0].Trim('[', ']'));

    /// <summary>The rows of one of the document's tables; cells without their code marks.</summary>
    private static IReadOnlyList<string[]> Rows(string table)
    {
        var start = Document.IndexOf($"<!-- {table} -->", StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/security.md has no table '{table}'");
        return
        [
            .. Document[start..]
                .Split('\n')
                .Skip(1)
                .SkipWhile(line => !line.StartsWith('|'))
                .Skip(2)
                .TakeWhile(line => line.StartsWith('|'))
                .Select(line => line.Trim('|', ' ').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray()),
        ];
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^(tcp|udp)\s+\S+\s+\S+\s+\S+\s+(\S+):(\d+)\s")]
    private static partial Regex SocketLine();
}
