using EventStream.Collect.Cmcd;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Unit.Tests.Collect;

public sealed class CmcdParserTests
{
    [Fact]
    public void A_version_two_event_of_hls_js_is_read_key_by_key()
    {
        var record = Parse(
            """bl=(2000),br=(3406),cid="vid1",e=ps,mtp=(43100),sf=h,sid="9a-03",sn=8,st=v,sta=p,ts=1795337066056,v=2"""
        );
        Assert.Equal(2, record.Version);
        Assert.Equal("vid1", record.Text("cid"));
        Assert.Equal("ps", record.Text("e"));
        Assert.Equal("p", record.Text("sta"));
        Assert.Equal(3406, record.Number("br"));
        Assert.Equal(1795337066056, record.Number("ts"));
    }

    [Fact]
    public void A_list_with_object_types_gives_the_number_for_video()
    {
        var record = Parse("""ab=(923;v 134;a),bl=(0;v 0;a),tb=(134;a 3272;v)""");
        Assert.Equal(923, record.Number("ab"));
        Assert.Equal(3272, record.Number("tb"));
    }

    [Fact]
    public void A_bare_key_is_true_and_a_bare_number_is_taken_where_the_standard_wants_a_list()
    {
        var record = Parse("br=134,bs,su,nor=(\"../a/2.m4s\";r=\"0-999\" \"3.m4s\")");
        Assert.True(record.Flag("bs"));
        Assert.Equal(134, record.Number("br"));
        Assert.Equal(["../a/2.m4s", "3.m4s"], record.Texts("nor")!);
    }

    [Fact]
    public void Escapes_in_strings_are_undone() => Assert.Equal("a\"b\\c", Parse("""cid="a\"b\\c" """).Text("cid"));

    [Fact]
    public void Durations_in_a_list_are_summed() => Assert.Equal(1500, Parse("bsd=(500 1000)").Sum("bsd"));

    [Theory]
    [InlineData("", "empty")]
    [InlineData("=1", "key was expected at character 1")]
    [InlineData("br=", "value was expected at character 4")]
    [InlineData("br=(1 2", "')' was expected at character 8")]
    [InlineData("cid=\"x", "'\"' was expected")]
    [InlineData("br=1 sid=2", "',' was expected at character 6")]
    [InlineData("br=1.2.3", "is not a number")]
    public void What_is_wrong_is_said_with_its_place(string line, string sentence)
    {
        Assert.Null(CmcdParser.TryParse(line, out var error));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_is_read_or_refused_and_never_throws() =>
        Prop.ForAll<string>(text =>
            {
                CmcdParser.TryParse(text ?? "", out _);
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void A_list_longer_than_its_bound_is_refused()
    {
        var list = string.Join(' ', Enumerable.Repeat("1", CmcdParser.ItemsMax + 1));
        Assert.Null(CmcdParser.TryParse($"br=({list})", out var error));
        Assert.Contains("items in a list", error, StringComparison.Ordinal);
    }

    private static CmcdRecord Parse(string line)
    {
        var record = CmcdParser.TryParse(line, out var error);
        Assert.Null(error);
        return record!;
    }
}
