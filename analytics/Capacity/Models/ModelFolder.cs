using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EventStream.Forecasting;
using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Capacity.Models;

/// <summary>
/// Trained models in a folder: for each resource two of ML.NET's .zip files and a manifest with the schema version.
/// Files replace each other atomically. What cannot be used is reported and trained again; nothing here is the only
/// copy of anything. Used by one thread.
/// </summary>
internal sealed class ModelFolder(string folder)
{
    private const string Prefix = "gboost-";
    private const int ManifestBytesMax = 16 * 1024;

    /// <summary>A model of 120 trees takes some 30 KB.</summary>
    private const int ModelBytesMax = 4 * 1024 * 1024;

    /// <summary>
    /// The usable models of a rhythm, by resource. <paramref name="refused"/> is called with the name of a manifest
    /// and the reason for each that is not usable; its files are deleted, like those that no manifest names.
    /// </summary>
    public Dictionary<string, BoostedModels> Load(Season season, Action<string, string> refused)
    {
        Directory.CreateDirectory(folder);
        var all = new Dictionary<string, BoostedModels>(StringComparer.Ordinal);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in Manifests().Take(CapacityOptions.ResourcesMax))
        {
            try
            {
                var manifest = ReadManifest(path, season);
                all[manifest.Resource] = new BoostedModels(
                    ReadModel(manifest.Calibration, season),
                    ReadModel(manifest.Forecast, season)
                );
                kept.UnionWith([Path.GetFileName(path), manifest.Calibration.Name, manifest.Forecast.Name]);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
            {
                refused(Path.GetFileName(path), e.Message);
            }
        }

        Delete(Prefix, kept);
        return all;
    }

    /// <summary>
    /// Keeps the models of a resource in place of its former ones. Beyond
    /// <see cref="CapacityOptions.ResourcesMax"/> resources, those that were written first go.
    /// </summary>
    public void Save(string resource, BoostedModels models)
    {
        Directory.CreateDirectory(folder);
        var stem = Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(resource)).AsSpan(0, 8));
        var season = models.Forecast.Season;
        var manifest = new ModelManifest(
            BoostedModels.SchemaVersion,
            resource,
            season.Day,
            season.Step.TotalSeconds,
            WriteModel(stem, "calibration", models.Calibration),
            WriteModel(stem, "forecast", models.Forecast)
        );
        var name = $"{stem}.json";
        Write(name, JsonSerializer.SerializeToUtf8Bytes(manifest, ModelManifestJson.Default.ModelManifest));
        Delete($"{stem}-", [manifest.Calibration.Name, manifest.Forecast.Name]);
        foreach (var old in Manifests().Skip(CapacityOptions.ResourcesMax))
        {
            Delete(Path.GetFileNameWithoutExtension(old), []);
        }
    }

    /// <summary>Manifests, the newest first.</summary>
    private IEnumerable<string> Manifests() =>
        Directory
            .EnumerateFiles(folder, $"{Prefix}*.json")
            .OrderByDescending(File.GetLastWriteTimeUtc)
            .ThenBy(path => path, StringComparer.Ordinal);

    private static ModelManifest ReadManifest(string path, Season season)
    {
        var manifest = Parse(ReadBytes(path, ManifestBytesMax));
        if (manifest?.SchemaVersion != BoostedModels.SchemaVersion)
        {
            throw new FormatException(
                $"its schema version is {manifest?.SchemaVersion}, and {BoostedModels.SchemaVersion} is read"
            );
        }

        if (manifest.Resource is null || manifest.Calibration?.Name is null || manifest.Forecast?.Name is null)
        {
            throw new FormatException("it does not say which models it belongs to");
        }

        var stepSeconds = season.Step.TotalSeconds;
        return manifest.SeasonSteps == season.Day && Math.Abs(manifest.StepSeconds - stepSeconds) < 1e-6
            ? manifest
            : throw new FormatException(
                $"it was trained on days of {manifest.SeasonSteps} steps of {Text(manifest.StepSeconds)} s, and now "
                    + $"they have {season.Day} of {Text(stepSeconds)} s"
            );
    }

    private static ModelManifest? Parse(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ModelManifestJson.Default.ModelManifest);
        }
        catch (JsonException e)
        {
            throw new FormatException($"it is not readable: {e.Message}", e);
        }
    }

    private GradientBoostedFit ReadModel(ModelFile file, Season season)
    {
        if (Path.GetFileName(file.Name) != file.Name)
            throw new FormatException($"'{file.Name}' is no file name");
        var bytes = ReadBytes(Path.Combine(folder, file.Name), ModelBytesMax);
        if (Digest(bytes) != file.Sha256)
            throw new FormatException($"{file.Name} is torn or was changed");
        return GradientBoostedFit.Load(new MemoryStream(bytes), season, file.Weekly, file.LastStep);
    }

    private ModelFile WriteModel(string stem, string part, GradientBoostedFit model)
    {
        using var bytes = new MemoryStream();
        model.Save(bytes);
        var name = string.Create(CultureInfo.InvariantCulture, $"{stem}-{part}-{model.LastStep}.zip");
        Write(name, bytes.ToArray());
        return new ModelFile(name, model.LastStep, model.IsWeekly, Digest(bytes.ToArray()));
    }

    private static byte[] ReadBytes(string path, int max)
    {
        using var file = File.OpenRead(path);
        if (file.Length > max)
        {
            throw new FormatException($"{Path.GetFileName(path)} has {file.Length} bytes, and {max} are read");
        }

        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(folder, name);
        using (var file = File.Create(path + ".tmp"))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".tmp", path, overwrite: true);
    }

    private void Delete(string prefix, HashSet<string> kept)
    {
        foreach (var path in Directory.EnumerateFiles(folder, $"{prefix}*").ToList())
        {
            if (!kept.Contains(Path.GetFileName(path)))
                File.Delete(path);
        }
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
