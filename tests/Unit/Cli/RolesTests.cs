using EventStream.Cli;
using EventStream.Cli.Commands;

namespace EventStream.Unit.Tests.Cli;

public sealed class RolesTests
{
    [Fact]
    public void Every_role_has_a_name_of_its_own_and_a_summary()
    {
        var roles = Roles.All();

        Assert.Equal(roles.Count, roles.Select(role => role.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.All(roles, role => Assert.False(string.IsNullOrWhiteSpace(role.Summary)));
    }

    [Fact]
    public void An_unknown_role_is_named_together_with_the_known_ones()
    {
        var error = Assert.Throws<CommandException>(() => Roles.Named(["console", "encoder"]));

        Assert.Contains("'encoder' is not a role", error.Message);
        Assert.Contains("encode-worker", error.Message);
    }

    [Fact]
    public void A_role_that_is_named_twice_runs_once() => Assert.Single(Roles.Named(["console", "console"]));

    [Theory]
    [InlineData("run", "console", "--config", "/nowhere/settings.json")]
    [InlineData("run", "encoder")]
    [InlineData("up", "--base-port", "80")]
    [InlineData("up", "--kafka", "nowhere")]
    [InlineData("up", "--encode-workers", "0")]
    public async Task A_wrong_command_ends_with_a_failure(params string[] args) =>
        Assert.Equal(CommandLine.Failure, await CommandLine.RunAsync(args));
}
