using EventStream.Hosting.Access;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;

namespace EventStream.Unit.Tests.Cli;

public sealed class KeyCommandTests
{
    [Fact]
    public async Task The_settings_that_it_prints_make_its_key_known()
    {
        var (code, output, _) = await Command.RunAsync(
            TimeSpan.FromSeconds(60),
            EventStreamProcess.Program,
            ["key", "new", "--name", "studio 2", "--role", "publisher"]
        );

        Assert.Equal(0, code);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var key = lines.Single(line => line.Length == 64 && line.All(char.IsAsciiHexDigit));
        var settings = lines
            .Where(line => line.Contains('=', StringComparison.Ordinal))
            .Select(line => line.Split('=', 2))
            .ToDictionary(
                pair => pair[0]["EVENTSTREAM__".Length..].Replace("__", ":", StringComparison.Ordinal),
                string? (pair) => pair[1]
            );
        var options = AccessOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), []);
        Assert.Equal(new Caller("studio 2", AccessRole.Publisher), new Keyring(options).Find(key));
    }

    [Fact]
    public async Task A_role_that_there_is_not_is_refused()
    {
        var (code, _, errors) = await Command.RunAsync(
            TimeSpan.FromSeconds(60),
            EventStreamProcess.Program,
            ["key", "new", "--name", "x", "--role", "king"]
        );

        Assert.Equal(1, code);
        Assert.Contains("king", errors);
    }
}
