using System.CommandLine;
using System.Security.Cryptography;
using EventStream.Hosting.Access;

namespace EventStream.Cli.Commands;

/// <summary>
/// <c>eventstream key new</c>: a fresh key, and the settings with which the roles know its holder by the key's hash.
/// </summary>
internal static class KeyCommand
{
    private const int KeyBytes = 32;

    private static readonly Option<string> Name = new("--name")
    {
        Description = "Who holds the key; for an edge, its name.",
        Required = true,
    };

    private static readonly Option<AccessRole> Role = new("--role")
    {
        Description = "What the key may do: publisher, analyst, operator, edge, or service for the roles' own calls.",
        Required = true,
    };

    private static readonly Option<int> Number = CommandLine.Optional<int>(
        "--number",
        "Number of the key in the settings, counted from 0.",
        "N"
    );

    /// <summary>The verb with its subcommand.</summary>
    public static Command Build()
    {
        var create = new Command("new", "Print a fresh key and the settings that make it known.")
        {
            Name,
            Role,
            Number,
        };
        create.SetAction(Print);
        return new Command("key", "The keys of people, programs and edges.") { create };
    }

    private static int Print(ParseResult parsed)
    {
        var (name, role, number) = (parsed.GetValue(Name)!, parsed.GetValue(Role), parsed.GetValue(Number));
        if (string.IsNullOrWhiteSpace(name))
            throw new CommandException("--name is empty; say who holds the key.");
        if (number < 0)
            throw new CommandException("--number is counted from 0.");
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));
        System.Console.WriteLine(
            role == AccessRole.Service
                ? $"EVENTSTREAM__ACCESS__SERVICEKEY={key}"
                : $"""
                # The key, for {name} only. The settings hold its hash.
                {key}
                EVENTSTREAM__ACCESS__KEYS__{number}__NAME={name}
                EVENTSTREAM__ACCESS__KEYS__{number}__ROLE={KeyAuthentication.Word(role)}
                EVENTSTREAM__ACCESS__KEYS__{number}__SHA256={AccessOptions.Hash(key)}
                """
        );
        return 0;
    }
}
