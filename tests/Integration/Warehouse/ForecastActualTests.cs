using EventStream.Tests.Kit;
using EventStream.Warehouse.Schema;

namespace EventStream.Integration.Tests.Warehouse;

/// <summary>The view that compares forecasts with what came, where the two have different steps.</summary>
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class ForecastActualTests(EmbeddedClickHouse engine)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task A_forecast_stands_beside_the_most_that_was_measured_in_its_step()
    {
        await SchemaMigrator.ApplyAsync(engine.Writer, None);
        // Twelve minutes measured every ten seconds: 100 + the minute, with a peak of 900 in the second one.
        await engine.Writer.ExecuteNonQueryAsync(
            """
            INSERT INTO es.load (resource, time, step_seconds, value, peak, unit)
            SELECT 'forecast-actual', toDateTime64('2026-11-20 08:00:00', 3, 'UTC') + INTERVAL number * 10 SECOND, 10,
                100 + intDiv(number, 6), if(number = 7, 900, NULL), 'sessions' FROM numbers(72)
            """
        );
        await engine.Writer.ExecuteNonQueryAsync(
            """
            INSERT INTO es.forecasts (resource, origin, time, step, step_seconds, model, q50, q90, q95, q99)
            SELECT 'forecast-actual', toDateTime64('2026-11-20 07:50:00', 3, 'UTC'),
                toDateTime64('2026-11-20 08:00:00', 3, 'UTC') + INTERVAL number * 300 SECOND, number, 300, 'comb_w',
                50 + number, 60, 70, 80 FROM numbers(4)
            """
        );
        await engine.Writer.ExecuteNonQueryAsync(
            """
            INSERT INTO es.forecasts (resource, origin, time, step, step_seconds, model, q50, q90, q95, q99)
            SELECT 'forecast-actual', toDateTime64('2026-11-20 07:59:00', 3, 'UTC'),
                toDateTime64('2026-11-20 08:01:00', 3, 'UTC'), 1, 60, 'reactive', 40, 60, 70, 80
            """
        );

        var rows = (
            await engine.RowsAsync(
                """
                SELECT formatDateTime(time, '%H:%i') || ' ' || toString(step_seconds) || ' ' || toString(q50) || ' '
                    || toString(actual) AS line
                FROM es.forecast_actual WHERE resource = 'forecast-actual' ORDER BY step_seconds, time
                """
            )
        ).Select(row => row.GetProperty("line").GetString()!);

        // The step from 08:10 on is measured up to 08:12 only, and that from 08:15 on not at all.
        Assert.Equal(["08:01 60 40 900", "08:00 300 50 900", "08:05 300 51 109"], rows);
    }
}
