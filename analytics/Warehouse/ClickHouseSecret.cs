using Microsoft.Extensions.Configuration;

namespace EventStream.Warehouse;

/// <summary>
/// A password of section <c>ClickHouse</c>: <c>ClickHouse:NAME</c>, or the first line of the file
/// <c>ClickHouse:NAMEFile</c>, so that it need not be in an environment.
/// </summary>
public static class ClickHouseSecret
{
    /// <summary>
    /// The password, or null, for which a sentence in <paramref name="errors"/> says what to set.
    /// </summary>
    public static string? Read(IConfiguration configuration, string name, ICollection<string>? errors = null)
    {
        var section = configuration.GetSection("ClickHouse");
        if (section[name] is { Length: > 0 } value)
            return value;
        if (section[name + "File"] is not { Length: > 0 } file)
        {
            errors?.Add($"There is no password: set ClickHouse:{name}, or ClickHouse:{name}File to a file with it.");
            return null;
        }

        try
        {
            if (File.ReadLines(file).FirstOrDefault()?.Trim() is { Length: > 0 } line)
                return line;
            errors?.Add($"ClickHouse:{name}File '{file}' is empty; put the password on its first line.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors?.Add($"ClickHouse:{name}File '{file}' cannot be read: {e.Message}");
        }

        return null;
    }
}
