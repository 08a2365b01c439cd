using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Forecasting;

/// <summary>
/// A forecaster in the combination. One that is only <c>ShortTerm</c> takes part up to an hour ahead, one that is only
/// <c>LongTerm</c> beyond it.
/// </summary>
internal sealed record Member(
    IForecaster Forecaster,
    bool ShortTerm = false,
    bool LongTerm = false,
    bool IsNaive = false
)
{
    /// <summary>The members of <c>comb_w</c>, in the order in which weights are stored.</summary>
    public static readonly IReadOnlyList<Member> All =
    [
        new(Naive.OfStep, ShortTerm: true, IsNaive: true),
        new(Naive.OfDay, IsNaive: true),
        new(Naive.OfWeek, IsNaive: true),
        new(SeasonalLevel.OfDay),
        new(SeasonalLevel.OfWeek),
        new(new DoubleSeasonal()),
        new(new HarmonicRegression()),
        new(new DirectRidge()),
        new(new SingularSpectrum()),
        new(new GradientBoosted(), LongTerm: true),
    ];
}
