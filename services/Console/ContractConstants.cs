using System.Reflection;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;

namespace EventStream.Console;

/// <summary>
/// The constants of the contracts as a script module, so that pages use the names that the services use:
/// <c>playerStates</c>, <c>playerStateNames</c>, <c>playerEvents</c> and <c>sessionEnds</c>.
/// </summary>
internal static class ContractConstants
{
    /// <summary>The module's text in UTF-8.</summary>
    public static byte[] Module() =>
        Encoding.UTF8.GetBytes(
            $"""
            export const playerStates = {Constants(typeof(PlayerState))};
            export const playerStateNames = {JsonSerializer.Serialize(PlayerState.Names)};
            export const playerEvents = {Constants(typeof(PlayerEvent))};
            export const sessionEnds = {Constants(typeof(SessionEnd))};

            """
        );

    private static string Constants(Type type) =>
        JsonSerializer.Serialize(
            type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Where(field => field.IsLiteral)
                .ToDictionary(
                    field => JsonNamingPolicy.CamelCase.ConvertName(field.Name),
                    field => (string)field.GetRawConstantValue()!
                )
        );
}
