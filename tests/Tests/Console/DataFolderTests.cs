using System.Runtime.Versioning;
using EventStream.Console;
using EventStream.Console.Supervisor;

namespace EventStream.Tests.Console;

[SupportedOSPlatform("linux")]
public sealed class DataFolderTests : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("console-data-");

    public void Dispose() => root.Delete(recursive: true);

    [Fact]
    public void A_secret_is_made_once_and_is_for_its_owner_only()
    {
        var data = new DataFolder(root.FullName);
        data.Create();

        var secret = data.Secret(DataFolder.ApiKey);

        Assert.Equal(64, secret.Length);
        Assert.Equal(secret, new DataFolder(root.FullName).Secret(DataFolder.ApiKey));
        Assert.NotEqual(secret, data.Secret(DataFolder.SigningKey));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(data.ApiKeyFile));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named_with_the_remedy()
    {
        var file = Path.Combine(root.FullName, "file");
        File.WriteAllText(file, "");

        var error = Assert.Throws<CommandException>(() => new DataFolder(Path.Combine(file, "data")).Create());

        Assert.Contains("--data", error.Message);
    }

    [Fact]
    public void A_log_stays_below_its_bound_and_keeps_what_is_newest()
    {
        var path = Path.Combine(root.FullName, "child.log");
        using (var log = new BoundedLog(path))
        {
            var line = new string('x', 8000);
            for (var i = 0; i < 2 * BoundedLog.BytesMax / line.Length; i++) log.Write(line);
            log.Write("the last word");
            Assert.Equal("the last word", log.Tail[^1]);
        }

        Assert.True(new FileInfo(path).Length <= BoundedLog.BytesMax + 8001);
        Assert.EndsWith("the last word\n", File.ReadAllText(path));
        Assert.Equal(2, root.GetFiles("child.log*").Length);
    }

    [Fact]
    public void A_platform_that_is_gone_is_not_found_by_its_run_file()
    {
        var data = new DataFolder(root.FullName);
        data.Create();
        var urls = new Dictionary<string, string>();

        new RunFile(int.MaxValue, 7000, true, "127.0.0.1:9092", data.ApiKeyFile, urls).Write(data);

        Assert.Null(RunFile.Read(data));
    }
}
