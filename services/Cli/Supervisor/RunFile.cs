using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStream.Cli.Supervisor;

/// <summary>What runs in a data folder: written by <c>up</c>, read by <c>down</c>, <c>status</c> and scripts.</summary>
public sealed record RunFile(
    int Pid,
    int BasePort,
    bool Ready,
    string Kafka,
    string ApiKeyFile,
    IReadOnlyDictionary<string, string> Urls
)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Whether its supervisor is alive: a process of that id that runs this program.</summary>
    [JsonIgnore]
    public bool IsAlive
    {
        get
        {
            try
            {
                return File.ReadAllText($"/proc/{Pid}/cmdline").Contains("eventstream", StringComparison.Ordinal);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>
    /// What runs in a folder, or null where nothing does. Throws <see cref="CommandException"/> where this user may
    /// not look.
    /// </summary>
    public static RunFile? Read(DataFolder data)
    {
        try
        {
            var run = JsonSerializer.Deserialize<RunFile>(File.ReadAllText(data.RunFile), Json);
            return run is { IsAlive: true } ? run : null;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            throw DataFolder.Unusable(data.Root, e);
        }
    }

    /// <summary>Writes the file in one step, so that a reader never sees half of it.</summary>
    public void Write(DataFolder data) => data.WriteFile(data.RunFile, JsonSerializer.Serialize(this, Json));
}
