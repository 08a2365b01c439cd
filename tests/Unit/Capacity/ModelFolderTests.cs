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

    private FileInfo Kept => folder.GetFiles("*.json").Single();

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
    [InlineData("\"schemaVersion\":1", "\"schemaVersion\":7", "its schema version is 7, and 1 is read")]
    [InlineData("\"seasonSteps\":48", "\"seasonSteps\":24", "days of 24 steps of 1800 s, and now they have 48")]
    [InlineData("\"resource\"", "resource", "it is not readable")]
    [InlineData("\"zip\":\"UEsD", "\"zip\":\"UEsE", "a model in it was changed")]
    [InlineData("\"calibration\"", "\"former\"", "it is not readable")]
    public void A_file_that_does_not_fit_is_reported_and_removed(string from, string to, string why)
    {
        new ModelFolder(folder.FullName).Save("viewers", Models.Value);
        var text = File.ReadAllText(Kept.FullName);
        Assert.Contains(from, text);
        File.WriteAllText(Kept.FullName, text.Replace(from, to, StringComparison.Ordinal));
        AssertRefused(why);
    }

    [Theory]
    [InlineData(0.5, "it is not readable")]
    [InlineData(200, "bytes, and 8388608 are read")]
    public void A_file_of_another_length_is_reported_and_removed(double factor, string why)
    {
        new ModelFolder(folder.FullName).Save("viewers", Models.Value);
        using (var torn = Kept.OpenWrite())
            torn.SetLength((long)(factor * torn.Length));
        AssertRefused(why);
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
        Assert.Equal([Kept.Name, "notes.txt"], folder.GetFiles().Select(file => file.Name).Order());
    }

    [Fact]
    public void The_folder_holds_no_more_resources_than_the_role()
    {
        var models = new ModelFolder(folder.FullName);
        for (var i = 0; i <= CapacityOptions.ResourcesMax; i++)
            models.Save($"resource-{i}", Models.Value);
        Assert.Equal(CapacityOptions.ResourcesMax, folder.GetFiles().Length);
    }

    private void AssertRefused(string why)
    {
        Assert.Empty(Load());
        Assert.Contains(why, Assert.Single(refused));
        Assert.Empty(folder.GetFiles());
    }

    private Dictionary<string, BoostedModels> Load() =>
        new ModelFolder(folder.FullName).Load(Half, (file, reason) => refused.Add($"{file}: {reason}"));
}
