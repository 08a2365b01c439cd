using EventStream.Hosting;
using EventStream.Media;
using EventStream.Media.S3;
using EventStream.Tests.Kit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace EventStream.Unit.Tests.Media;

/// <summary>Which store the settings choose, and what they say where they are wrong.</summary>
public sealed class MediaSettingsTests : IDisposable
{
    private const string Secret = "a-secret-of-the-bucket";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-media-");

    private static readonly (string Key, string Value)[] Good =
    [
        ("Media:S3:Endpoint", "http://127.0.0.1:9"),
        ("Media:S3:Bucket", "media"),
        ("Media:S3:AccessKey", "key"),
        ("Media:S3:SecretKey", Secret),
    ];

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_folder_or_a_bucket_is_chosen_by_its_settings()
    {
        Assert.IsType<FolderMediaStore>(Store(("Media:Root", folder.FullName)));
        using var s3 = Assert.IsType<S3MediaStore>(
            Store([.. Good, ("Media:Root", ""), ("Media:S3:LocalFolder", folder.FullName)])
        );
        var options = S3Options.Read(RoleHost.ReadConfiguration(overrides: Pairs(Good)), new List<string>());
        Assert.Equal("us-east-1", options!.Region);
        Assert.DoesNotContain(Secret, options.ToString());
    }

    [Theory]
    [InlineData("Media:Root is missing")]
    [InlineData("both set", "Media:Root=/tmp/x", "Media:S3:Bucket=media")]
    [InlineData("Media:S3:AccessKey is missing", "Media:S3:Bucket=media")]
    [InlineData("Media:S3:Bucket is missing", "Media:S3:Endpoint=http://127.0.0.1:9")]
    [InlineData("Media:S3:SecretKeyFile is missing", "Media:S3:Bucket=media", "Media:S3:AccessKey=key")]
    [InlineData("'/nowhere' cannot be read", "Media:S3:Bucket=media", "Media:S3:SecretKeyFile=/nowhere")]
    [InlineData("Media:S3:Endpoint must be an address", "Media:S3:Endpoint=s3.example")]
    [InlineData("Media:S3:Endpoint must be an address", "Media:S3:Endpoint=https://user:secret@s3.example")]
    [InlineData("LocalBytesMax 'much'", "Media:S3:Bucket=media", "Media:S3:LocalBytesMax=much")]
    public void What_is_wrong_is_named_at_the_start(string expected, params string[] settings)
    {
        var e = Assert.Throws<OptionsValidationException>(() =>
            Store([.. settings.Select(setting => setting.Split('=', 2)).Select(pair => (pair[0], pair[1]))])
        );
        Assert.Contains(expected, e.Message);
        Assert.DoesNotContain("secret@", e.Message);
    }

    [Fact]
    public async Task A_role_with_a_folder_removes_what_killed_processes_left_in_it()
    {
        var left = Path.Combine(Directory.CreateDirectory(Path.Combine(folder.FullName, ".tmp")).FullName, "left");
        await File.WriteAllTextAsync(left, "half");
        File.SetLastWriteTimeUtc(left, File.GetLastWriteTimeUtc(left) - TimeSpan.FromMinutes(1));
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddMediaStore(RoleHost.ReadConfiguration(overrides: Pairs([("Media:Root", folder.FullName)])));
        using var host = builder.Build();
        await host.StartAsync();
        await Wait.UntilAsync("the file is removed", () => !File.Exists(left));
        await host.StopAsync();
    }

    private static IMediaStore Store(params (string Key, string Value)[] settings) =>
        new ServiceCollection()
            .AddMediaStore(RoleHost.ReadConfiguration(overrides: Pairs(settings)))
            .BuildServiceProvider()
            .GetRequiredService<IMediaStore>();

    private static IEnumerable<KeyValuePair<string, string?>> Pairs((string Key, string Value)[] settings) =>
        settings.Select(pair => KeyValuePair.Create<string, string?>(pair.Key, pair.Value));
}
