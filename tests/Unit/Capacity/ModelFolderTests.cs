using EventStream.Capacity;
using EventStream.Capacity.Models;
using EventStream.Forecasting;
using EventStream.Forecasting.GradientBoosting;
using EventStream.Unit.Tests.Forecasting;

namespace EventStream.Unit.Tests.Capacity;

/// <summary>Trained models on disk: kept whole, or reported and left out.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private static readonly Season Half = new(48, TimeSpan.FromMinutes(30));
    private static readonly History Known = SyntheticLoad.Series(Half, 2016, SyntheticLoad.Daily, noise: 0.5);
    private static readonly Lazy<BoostedModels> Models = new(() => CombinedForecaster.Train(Known, Half));
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-models-");
    private readonly List<string> refused = [];

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Models_come_back_as_they_were()
    {
        new ModelFolder(folder.FullName).Save("edge:edge-a:bytes", Models.Value);
        var (resource, back) = Assert.Single(Load());
        Assert.Equal("edge:edge-a:bytes", resource);
        Assert.Equal(Models.Value.Forecast.LastStep, back.Forecast.LastStep);
        Assert.Equal(Models.Value.Forecast.Forecast(Known, 48), back.Forecast.Forecast(Known, 48));
        Assert.Equal(Models.Value.Calibration.Forecast(Known, 48), back.Calibration.Forecast(Known, 48));
        Assert.Empty(refused);
    }

    [Theory]
    [InlineData("\"schemaVersion\": 1", "\"schemaVersion\": 7", "its schema version is 7, and 1 is read")]
    [InlineData("\"seasonSteps\": 48", "\"seasonSteps\": 24", "days of 24 steps of 1800 s, and now they have 48")]
    [InlineData("\"resource\"", "resource", "it is not readable")]
    [InlineData("gboost-", "../gboost-", "is no file name")]
    public void A_manifest_that_does_not_fit_is_reported_and_removed(string from, string to, string why)
    {
        new ModelFolder(folder.FullName).Save("viewers", Models.Value);
        var manifest = Assert.Single(folder.GetFiles("*.json")).FullName;
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace(from, to, StringComparison.Ordinal));
        AssertRefused(why);
    }

    [Fact]
    public void A_torn_model_is_reported_and_removed()
    {
        new ModelFolder(folder.FullName).Save("viewers", Models.Value);
        using (var torn = folder.GetFiles("*-forecast-*.zip").Single().OpenWrite())
            torn.SetLength(torn.Length / 2);
        AssertRefused("is torn or was changed");
    }

    [Fact]
    public void A_model_that_is_away_is_reported()
    {
        new ModelFolder(folder.FullName).Save("viewers", Models.Value);
        folder.GetFiles("*-calibration-*.zip").Single().Delete();
        AssertRefused("Could not find file");
    }

    [Fact]
    public void A_file_that_is_too_large_is_not_read()
    {
        new ModelFolder(folder.FullName).Save("viewers", Models.Value);
        using (var large = folder.GetFiles("*-forecast-*.zip").Single().OpenWrite())
            large.SetLength(5_000_000);
        AssertRefused("has 5000000 bytes");
    }

    [Fact]
    public void Newer_models_replace_older_ones_and_foreign_files_stay()
    {
        File.WriteAllText(Path.Combine(folder.FullName, "notes.txt"), "mine");
        File.WriteAllText(Path.Combine(folder.FullName, "gboost-half.zip.tmp"), "left by a crash");
        var models = new ModelFolder(folder.FullName);
        models.Save("viewers", Models.Value);
        models.Save("viewers", CombinedForecaster.Train(Known.Prefix(2010), Half));
        Assert.Equal(2009, Load()["viewers"].Forecast.LastStep);
        Assert.Equal(
            ["-calibration-1505.zip", "-forecast-2009.zip", ".json", "notes.txt"],
            folder
                .GetFiles()
                .Select(file => file.Name.Replace(Stem(), ""))
                .Order(StringComparer.Ordinal)
                .Select(name => name.Contains("calibration") ? "-calibration-1505.zip" : name)
        );
    }

    [Fact]
    public void The_folder_holds_no_more_resources_than_the_role()
    {
        var models = new ModelFolder(folder.FullName);
        for (var i = 0; i <= CapacityOptions.ResourcesMax; i++)
            models.Save($"resource-{i}", Models.Value);
        Assert.Equal(CapacityOptions.ResourcesMax, folder.GetFiles("*.json").Length);
        Assert.Equal(3 * CapacityOptions.ResourcesMax, folder.GetFiles().Length);
    }

    private void AssertRefused(string why)
    {
        Assert.Empty(Load());
        Assert.Contains(why, Assert.Single(refused));
        Assert.Empty(folder.GetFiles());
    }

    private Dictionary<string, BoostedModels> Load() =>
        new ModelFolder(folder.FullName).Load(Half, (file, reason) => refused.Add($"{file}: {reason}"));

    private string Stem() => Path.GetFileNameWithoutExtension(folder.GetFiles("*.json").Single().Name);
}
