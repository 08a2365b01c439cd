using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStream.Forecasting;
using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Capacity.Models;

/// <summary>A trained model: what it was trained on, ML.NET's .zip of it, and the digest of that in hex.</summary>
internal sealed record ModelPart(long LastStep, bool Weekly, byte[] Zip, string Sha256);

/// <summary>
/// What is kept of one resource, in one file: its former models or its new ones, never a part of each.
/// </summary>
internal sealed record ModelFile(
    int SchemaVersion,
    string Resource,
    int SeasonSteps,
    double StepSeconds,
    ModelPart Calibration,
    ModelPart Forecast
);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true
)]
[JsonSerializable(typeof(ModelFile))]
internal sealed partial class ModelFileJson : JsonSerializerContext;

/// <summary>
/// Trained models in a folder, a file for each resource. Files replace each other atomically. What cannot be used is
/// reported and trained again; nothing here is the only copy of anything. Used by one thread.
/// </summary>
internal sealed class ModelFolder(string folder)
{
    private const string Prefix = "gboost-";

    /// <summary>Two models of 120 trees take some 100 KB.</summary>
    private const int FileBytesMax = 8 * 1024 * 1024;

    /// <summary>
    /// The usable models of a rhythm, by resource. <paramref name="refused"/> is called with the name of a file and the
    /// reason for each that is not usable, and the file is deleted, like what a crash left half written.
    /// </summary>
    public Dictionary<string, BoostedModels> Load(Season season, Action<string, string> refused)
    {
        Directory.CreateDirectory(folder);
        DeleteOldest();
        var all = new Dictionary<string, BoostedModels>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(folder, $"{Prefix}*").ToList())
        {
            try
            {
                if (Path.GetExtension(path) == ".json")
                {
                    var file = Read(path, season);
                    all[file.Resource] = new BoostedModels(
                        Model(file.Calibration, season),
                        Model(file.Forecast, season)
                    );
                    continue;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
            {
                refused(Path.GetFileName(path), e.Message);
            }

            File.Delete(path);
        }

        return all;
    }

    /// <summary>
    /// Keeps the models of a resource in place of its former ones. Beyond
    /// <see cref="CapacityOptions.ResourcesMax"/> resources, those that were written first go.
    /// </summary>
    public void Save(string resource, BoostedModels models)
    {
        Directory.CreateDirectory(folder);
        var season = models.Forecast.Season;
        var kept = new ModelFile(
            BoostedModels.SchemaVersion,
            resource,
            season.Day,
            season.Step.TotalSeconds,
            Part(models.Calibration),
            Part(models.Forecast)
        );
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(resource)).AsSpan(0, 8));
        var path = Path.Combine(folder, $"{Prefix}{name}.json");
        using (var file = File.Create($"{path}.tmp"))
        {
            JsonSerializer.Serialize(file, kept, ModelFileJson.Default.ModelFile);
            file.Flush(flushToDisk: true);
        }

        File.Move($"{path}.tmp", path, overwrite: true);
        DeleteOldest();
    }

    private void DeleteOldest()
    {
        var newestFirst = Directory
            .EnumerateFiles(folder, $"{Prefix}*.json")
            .OrderByDescending(File.GetLastWriteTimeUtc)
            .ThenBy(path => path, StringComparer.Ordinal);
        foreach (var path in newestFirst.Skip(CapacityOptions.ResourcesMax).ToList())
            File.Delete(path);
    }

    private static ModelFile Read(string path, Season season)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length > FileBytesMax)
            throw new FormatException($"it has {stream.Length} bytes, and {FileBytesMax} are read");
        var file = Parse(stream);
        if (file.SchemaVersion != BoostedModels.SchemaVersion)
        {
            throw new FormatException(
                $"its schema version is {file.SchemaVersion}, and {BoostedModels.SchemaVersion} is read"
            );
        }

        var stepSeconds = season.Step.TotalSeconds;
        return file.SeasonSteps == season.Day && Math.Abs(file.StepSeconds - stepSeconds) < 1e-6
            ? file
            : throw new FormatException(
                FormattableString.Invariant(
                    $"it was trained on days of {file.SeasonSteps} steps of {file.StepSeconds:0.###} s, and now they "
                ) + FormattableString.Invariant($"have {season.Day} of {stepSeconds:0.###} s")
            );
    }

    private static ModelFile Parse(FileStream stream)
    {
        try
        {
            return JsonSerializer.Deserialize(stream, ModelFileJson.Default.ModelFile)
                ?? throw new FormatException("it holds nothing");
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is not readable: {e.Message}", e);
        }
    }

    private static GradientBoostedFit Model(ModelPart part, Season season) =>
        Digest(part.Zip) == part.Sha256
            ? GradientBoostedFit.Load(new MemoryStream(part.Zip), season, part.Weekly, part.LastStep)
            : throw new FormatException("a model in it was changed");

    private static ModelPart Part(GradientBoostedFit model)
    {
        using var zip = new MemoryStream();
        model.Save(zip);
        return new ModelPart(model.LastStep, model.IsWeekly, zip.ToArray(), Digest(zip.ToArray()));
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
