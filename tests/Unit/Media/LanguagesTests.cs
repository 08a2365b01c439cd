using EventStream.Contracts;
using EventStream.Media.Text;

namespace EventStream.Unit.Tests.Media;

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

    [Fact]
    public void A_sound_is_named_for_its_language_and_role_and_else_by_its_title()
    {
        Assert.Null(Languages.Label(new SourceSound(1, "aac", 2), "audio"));
        TrackLabel?[] expected =
        [
            new("English", "en"),
            new("Deutsch (clear speech)", "de", TrackLabel.ClearSpeech),
            new("The crew"),
            new("audio-4 (commentary)", null, TrackLabel.Commentary),
        ];
        SourceSound[] sounds =
        [
            new(1, "aac", 2, Language: "en", Title: "Stereo"),
            new(2, "aac", 2, Language: "de", Role: TrackLabel.ClearSpeech),
            new(3, "aac", 2, Title: "The crew"),
            new(4, "aac", 2, Role: TrackLabel.Commentary),
        ];
        Assert.Equal(expected, sounds.Select((sound, i) => Languages.Label(sound, $"audio-{i + 1}")));
    }

    [Theory]
    [InlineData("fr", "Français")]
    [InlineData("pt-BR", "Português (BR)")]
    [InlineData("yue", "yue")]
    public void A_tag_is_named_in_its_own_language(string tag, string name) => Assert.Equal(name, Languages.Name(tag));
}
