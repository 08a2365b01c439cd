using System.Text.Json.Serialization;

namespace EventStream.Capacity.Models;

/// <summary>One model file: its name beside the manifest, what it was trained on, and its digest in hex.</summary>
internal sealed record ModelFile(string Name, long LastStep, bool Weekly, string Sha256);

/// <summary>
/// What the models of one resource are. It is written last and names its files, so that a resource has its former
/// models or its new ones, and never a part of each.
/// </summary>
internal sealed record ModelManifest(
    int SchemaVersion,
    string Resource,
    int SeasonSteps,
    double StepSeconds,
    ModelFile Calibration,
    ModelFile Forecast
);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ModelManifest))]
internal sealed partial class ModelManifestJson : JsonSerializerContext;
