using EventStream.Processes;

namespace EventStream.Unit.Tests.Processes;

public sealed class BoundedLinesTests
{
    [Theory]
    [InlineData("", new string[0])]
    [InlineData("one\ntwo\r\n\nlast", new[] { "one", "two", "", "last" })]
    [InlineData("0123456789\n01234567\n", new[] { "01234569", "01234567" })]
    public async Task A_line_is_cut_and_keeps_its_last_character(string text, string[] lines)
    {
        var (taken, reads) = (new List<string>(), 0);
        await BoundedLines.ReadAsync(new StringReader(text), 8, taken.Add, () => reads++, CancellationToken.None);
        Assert.Equal(lines, taken);
        Assert.Equal(text.Length > 0 ? 1 : 0, reads);
    }
}
