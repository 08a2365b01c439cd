using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

public class LanguagesTests
{
    [Theory]
    [InlineData("eng", "en")]
    [InlineData("GER", "de")]
    [InlineData("deu", "de")]
    [InlineData("pt-BR", "pt-BR")]
    [InlineData("por_BR", "pt-BR")]
    [InlineData("yue", "yue")]
    [InlineData("en-\"x", "en")]
    [InlineData("und", null)]
    [InlineData("mul", null)]
    [InlineData("english", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_stated_language_becomes_its_shortest_tag(string? stated, string? tag) =>
        Assert.Equal(tag, Languages.Tag(stated));

    [Theory]
    [InlineData("fr", "Français")]
    [InlineData("pt-BR", "Português (BR)")]
    [InlineData("yue", "yue")]
    public void A_tag_is_named_in_its_own_language(string tag, string name) => Assert.Equal(name, Languages.Name(tag));
}
