namespace EventStream.Qoe.Load;

/// <summary>
/// What one partition saw of a resource in one step of the load series, which begins at <paramref name="Step"/>.
/// </summary>
public sealed record LoadPart(string Resource, DateTimeOffset Step, double Value, string Unit);

/// <summary>A resource that has been seen, its unit and the last step written.</summary>
public sealed record KnownLoad(string Unit, DateTimeOffset LastStep);
