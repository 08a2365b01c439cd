using System.Runtime.Versioning;
using EventStream.Cli;
using EventStream.Cli.Supervisor;
using EventStream.Processes;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Cli;

[SupportedOSPlatform("linux")]
public sealed class DataFolderTests : IDisposable
{
    private const UnixFileMode Others = (UnixFileMode)0b111_111;

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
    public void Other_users_may_pass_where_PostgreSQL_and_nginx_must_and_see_nothing()
    {
        var data = new DataFolder(Path.Combine(root.FullName, "data"));
        // A folder of an earlier version was open to everybody.
        foreach (var part in (string[])["", "media", "logs", "run", "edges", "broker"])
            Directory.CreateDirectory(data.Of(part), (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(data.Of("secrets"));

        data.Create();
        data.CreateEdge("edge-a");

        const UnixFileMode passage = UnixFileMode.OtherExecute | UnixFileMode.GroupExecute;
        var open = Directory
            .EnumerateDirectories(data.Root, "*", SearchOption.AllDirectories)
            .Append(data.Root)
            .ToDictionary(path => Path.GetRelativePath(data.Root, path), path => File.GetUnixFileMode(path) & Others);
        Assert.Equal(
            [".", "edges", "edges/edge-a", "edges/edge-a/tmp"],
            open.Where(pair => pair.Value != UnixFileMode.None).Select(pair => pair.Key).Order(StringComparer.Ordinal)
        );
        Assert.All(open.Values, mode => Assert.Contains(mode, (UnixFileMode[])[UnixFileMode.None, passage]));
    }

    [Fact]
    public void A_folder_with_other_things_that_everybody_may_list_is_refused_and_left_alone()
    {
        File.SetUnixFileMode(root.FullName, (UnixFileMode)0b111_101_101);
        File.WriteAllText(Path.Combine(root.FullName, "somebody's"), "");

        var error = Assert.Throws<CommandException>(() => new DataFolder(root.FullName).Create());

        Assert.Contains("--data", error.Message);
        Assert.Equal((UnixFileMode)0b111_101_101, File.GetUnixFileMode(root.FullName));
    }

    [Fact]
    public void The_addresses_and_credentials_for_scripts_are_for_the_owner_and_a_shell_can_source_them()
    {
        var data = new DataFolder(Path.Combine(root.FullName, "a folder with spaces"));
        data.Create();
        File.WriteAllText(data.KafkaClientFile, "");

        ClientEnv.Write(data, new PortPlan(17000));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(data.ClientEnv));
        var start = new System.Diagnostics.ProcessStartInfo("sh")
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (
            var part in (string[])["-c", "set -a; . \"$1\"; env | grep ^EVENTSTREAM_ | sort", "sh", data.ClientEnv]
        )
        {
            start.ArgumentList.Add(part);
        }

        using var shell = System.Diagnostics.Process.Start(start)!;
        var lines = shell.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        shell.WaitForExit();
        Assert.Equal(
            [
                "EVENTSTREAM_CAPACITY_URL=http://127.0.0.1:17007",
                "EVENTSTREAM_CLICKHOUSE_READER_USER=reader",
                "EVENTSTREAM_CLICKHOUSE_URL=http://127.0.0.1:18123",
                "EVENTSTREAM_COLLECT_URL=http://127.0.0.1:17004",
                "EVENTSTREAM_CONSOLE_URL=http://127.0.0.1:17000",
                $"EVENTSTREAM_EDGE_LOG_KEY={data.Secret(DataFolder.EdgeLogKey("edge-a"))}",
                $"EVENTSTREAM_KAFKA_CONFIG={data.KafkaClientFile}",
                $"EVENTSTREAM_OPERATOR_KEY={data.Secret(DataFolder.OperatorKey)}",
                "EVENTSTREAM_PLAYBACK_URL=http://127.0.0.1:17002",
                $"EVENTSTREAM_PUBLISHER_KEY={data.Secret(DataFolder.ApiKey)}",
                "EVENTSTREAM_UPLOAD_URL=http://127.0.0.1:17001",
            ],
            lines.Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("a file")]
    [InlineData("below a file")]
    [InlineData("/proc/x")]
    [InlineData("/sys/x")]
    [InlineData("/tmp/an 'odd' $name")]
    [InlineData("")]
    public async Task A_folder_that_cannot_be_used_is_a_sentence_and_an_exit_code(string path)
    {
        var file = Path.Combine(root.FullName, "file");
        await File.WriteAllTextAsync(file, "");
        path = path switch
        {
            "a file" => file,
            "below a file" => Path.Combine(file, "data"),
            _ => path,
        };
        foreach (
            var mode in (string[][])
                [
                    [],
                    ["--background"],
                ]
        )
        {
            var (code, _, errors) = await Command.RunAsync(
                TimeSpan.FromSeconds(60),
                EventStreamProcess.Program,
                ["up", "--data", path, "--base-port", "29400", .. mode]
            );

            Assert.Equal(1, code);
            Assert.StartsWith("eventstream: The data folder '", errors);
            Assert.Contains("--data", errors);
            Assert.Single(errors.TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public void A_log_stays_below_its_bound_and_keeps_what_is_newest()
    {
        var path = Path.Combine(root.FullName, "child.log");
        using (var log = new BoundedLog(path))
        {
            var line = new string('x', 8000);
            for (var i = 0; i < 2 * BoundedLog.BytesMax / line.Length; i++)
                log.Write(line);
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
