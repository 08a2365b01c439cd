using EventStream.Collect.CdnLogs;

namespace EventStream.Unit.Tests.Collect;

public sealed class LogCursorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-log").FullName;

    private string Log => Path.Combine(folder, "access.log");

    [Fact]
    public void Only_whole_lines_are_read_and_the_rest_comes_when_it_is_complete()
    {
        var cursor = new LogCursor(Log, folder);
        Assert.Empty(cursor.ReadLines(10));
        File.AppendAllText(Log, "one\ntw");
        Assert.Equal(["one"], Take(cursor));
        File.AppendAllText(Log, "o\n");
        Assert.Equal(["two"], Take(cursor));
    }

    [Fact]
    public void Lines_that_were_not_advanced_over_are_read_again_after_a_restart()
    {
        File.WriteAllText(Log, "one\ntwo\nthree\n");
        var cursor = new LogCursor(Log, folder);
        Assert.Equal(["one"], Take(cursor, 1));
        Assert.Equal(["two"], cursor.ReadLines(1));
        Assert.Equal(["two", "three"], Take(new LogCursor(Log, folder)));
        Assert.Empty(Take(new LogCursor(Log, folder)));
    }

    [Fact]
    public void A_rotated_log_is_read_to_its_end_before_the_new_one()
    {
        File.WriteAllText(Log, "one\n");
        var cursor = new LogCursor(Log, folder);
        Assert.Equal(["one"], Take(cursor));
        File.AppendAllText(Log, "two\n");
        File.Move(Log, Log + ".1");
        File.WriteAllText(Log, "three\n");
        Assert.Equal(["two"], Take(cursor));
        Assert.Equal(["three"], Take(cursor));
        Assert.Empty(Take(cursor));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static List<string> Take(LogCursor cursor, int most = 10)
    {
        var lines = cursor.ReadLines(most);
        if (lines.Count > 0)
            cursor.Advance();
        return lines;
    }
}
