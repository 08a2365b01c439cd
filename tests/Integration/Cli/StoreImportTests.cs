using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Integration.Tests.EventStore;
using EventStream.Integration.Tests.EventStore.Former;
using EventStream.Tests.Kit;
using EventStream.Upload;

namespace EventStream.Integration.Tests.Cli;

/// <summary>
/// An export of the release before Marten is imported by the real executable and read through what this release reads
/// with.
/// </summary>
public sealed class StoreImportTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-import-").FullName;
    private StoreCli cli = null!;

    public async Task InitializeAsync()
    {
        cli = await StoreCli.CreateAsync("import");
        await cli.DoneAsync("migrate");
    }

    public async Task DisposeAsync()
    {
        await cli.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task What_was_imported_is_exported_alike_line_by_line()
    {
        Assert.Equal(
            "upload: 46 events imported, 0 were there already\nencode: 67 events imported, 0 were there already\n",
            await cli.DoneAsync("import", FormerExport.File)
        );
        foreach (var (service, category) in (ValueTuple<string, string>[])[("upload", "video"), ("encode", "encode")])
        {
            var exported = (await cli.DoneAsync("export", "--service", service)).TrimEnd('\n').Split('\n');
            Assert.Equal(
                FormerExport.Lines.Where(line => line.Contains($"\"stream\":\"{category}-", StringComparison.Ordinal)),
                exported
            );
        }

        Assert.Equal(
            "upload: 0 events imported, 46 were there already\nencode: 0 events imported, 67 were there already\n",
            await cli.DoneAsync("import", FormerExport.File)
        );
    }

    [Fact]
    public async Task The_deciders_and_read_models_of_this_release_read_it()
    {
        await cli.DoneAsync("import", FormerExport.File);
        await using var upload = cli.Open("upload");
        var decider = new Decider<Video>(upload.Documents, upload.Personal, TimeProvider.System);
        var states = new List<string>();
        foreach (
            var id in FormerExport
                .Events("video")
                .Select(e => e.GetProperty("data").GetProperty("videoId").GetGuid())
                .Distinct()
        )
        {
            var loaded = await decider.LoadAsync(id, default);
            states.Add(
                $"{loaded.State.Title}: {loaded.State.Status} by {loaded.State.Publisher}, version {loaded.Version}"
            );
        }

        Assert.Equal(
            [
                "Colour bars: Published by studio, version 9",
                "Notes on the engine: Published by ada, version 10",
                "grace at sea: Published by (erased), version 8",
                "x: Rejected by ada, version 3",
                "Registered only: Registered by studio, version 1",
                "A source that went away: Failed by studio, version 5",
                "Left open: Published by ada, version 10",
            ],
            states
        );
    }

    [Fact]
    public async Task An_import_that_was_cut_continues_after_the_last_event_it_stored()
    {
        var part = Path.Combine(folder, "part.ndjson");
        await File.WriteAllTextAsync(
            part,
            string.Join('\n', FormerExport.Lines.Take(FormerExport.Unfinished)) + "\n{\"position\":100,\"ten"
        );
        var (code, _, error) = await cli.RunAsync("import", part);
        Assert.Equal(1, code);
        Assert.Contains("Line 100: it is no exported event", error, StringComparison.Ordinal);
        Assert.Contains("run it again with the same --out", error, StringComparison.Ordinal);
        await File.WriteAllLinesAsync(part, FormerExport.Lines.Take(FormerExport.Unfinished));
        await cli.DoneAsync("import", part);
        // As a kill leaves it between the events of a batch and the versions of its streams.
        await cli.ExecuteAsync($"update {cli.Schema("upload")}.mt_streams set version = 1");
        var output = await cli.DoneAsync("import", FormerExport.File);
        Assert.Contains("upload: 6 events imported, 40 were there already", output, StringComparison.Ordinal);
        Assert.Equal(
            ["0"],
            await cli.RowsAsync(
                $"""
                select count(*) from {cli.Schema("upload")}.mt_streams s where version
                    <> (select max(version) from {cli.Schema("upload")}.mt_events e where e.stream_id = s.id)
                """
            )
        );
    }

    [Fact]
    public async Task Persons_are_encrypted_under_keys_of_the_new_store_and_the_erased_stay_so()
    {
        await cli.DoneAsync("import", FormerExport.File);
        var stored = await cli.RowsAsync(
            $"select data::text || coalesce(user_name, '') from {cli.Schema("upload")}.mt_events"
        );
        Assert.DoesNotContain(stored, row => row.Contains("\"ada\"", StringComparison.Ordinal));
        Assert.DoesNotContain(stored, row => row.Contains("analytical engine.mp4", StringComparison.Ordinal));
        Assert.StartsWith("The person is erased", await cli.DoneAsync("erase", "ada"), StringComparison.Ordinal);
        var exported = await cli.DoneAsync("export", "--service", "upload");
        Assert.DoesNotContain("\"ada\"", exported, StringComparison.Ordinal);
        Assert.DoesNotContain("analytical engine.mp4", exported, StringComparison.Ordinal);
        Assert.Contains("\"studio\"", exported, StringComparison.Ordinal);
        Assert.Equal("Nothing was known of the person.\n", await cli.DoneAsync("erase", "grace"));
    }

    [Fact]
    public async Task What_the_former_relay_published_is_not_published_again_and_what_it_owed_is()
    {
        await using var broker = await TestBroker.StartAsync();
        await FormerExport.PublishAsync(broker.Bootstrap, FormerExport.Unfinished);
        await cli.DoneAsync("import", FormerExport.File);
        await using (await cli.StartRoleAsync("upload", broker.Bootstrap, folder))
        {
            await Wait.UntilAsync(
                "every event is on the topic",
                async () => (await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name)).Count >= 46
            );
        }

        var records = await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name);
        Assert.Equal(
            FormerExport
                .Events("video")
                .Select(e => $"{e.GetProperty("position").GetInt64()} {e.GetProperty("id").GetString()}"),
            records.OrderBy(record => record.Position).Select(record => $"{record.Position} {record.EventId}")
        );
    }

    [Fact]
    public async Task A_store_that_has_lived_already_and_an_export_with_a_gap_are_refused()
    {
        var part = Path.Combine(folder, "gap.ndjson");
        await File.WriteAllLinesAsync(part, FormerExport.Lines.Skip(1));
        Assert.Contains(
            "version 2 of stream video-01a22a58-5320-7b20-93c9-c49add7905fc follows version 0",
            (await cli.RunAsync("import", part)).Error,
            StringComparison.Ordinal
        );
        await File.WriteAllTextAsync(
            part,
            FormerExport.Lines[0].Replace("\"video-", "\"other-", StringComparison.Ordinal)
        );
        Assert.Contains(
            "Line 1: streams of 'other' belong to no service (video, encode)",
            (await cli.RunAsync("import", part)).Error,
            StringComparison.Ordinal
        );
        await using (var upload = cli.Open("upload"))
        {
            var decider = new Decider<Video>(upload.Documents, upload.Personal, TimeProvider.System);
            var id = VideoId.New(DateTimeOffset.UnixEpoch);
            await decider.DecideAsync(
                id.Value,
                video => video.Register(id, "p", "t", "f", 1, DateTimeOffset.UnixEpoch),
                EventMetadata.None,
                default
            );
        }

        Assert.Contains(
            "Line 1: the store holds another event at position 1",
            (await cli.RunAsync("import", FormerExport.File)).Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_role_that_runs_refuses_an_import_and_a_rebuild_in_place()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var role = await cli.StartRoleAsync("upload", broker.Bootstrap, folder);
        await Wait.UntilAsync(
            "the readers run",
            async () =>
                !(await cli.DoneAsync("status", "--service", "upload")).Contains("nobody", StringComparison.Ordinal)
        );
        Assert.Contains(
            "The role 'upload' runs (",
            (await cli.RunAsync("import", FormerExport.File)).Error,
            StringComparison.Ordinal
        );
        var (code, _, error) = await cli.RunAsync("rebuild", "video-list");
        Assert.Equal(1, code);
        Assert.Contains("Raise the read model's Version", error, StringComparison.Ordinal);
        await role.StopAsync();
        Assert.Equal("video-list is rebuilt\n", await cli.DoneAsync("rebuild", "video-list"));
    }

    [Fact]
    public async Task A_role_on_a_former_store_says_what_to_run_and_starts_once_that_was_done()
    {
        await using var broker = await TestBroker.StartAsync();
        await using var upload = cli.Open("upload");
        await FormerExport.FillAsync(upload.Source, cli.FormerSchema);
        await using (var refused = cli.LaunchRole("upload", broker.Bootstrap, folder))
        {
            await refused.UntilExitAsync();
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains(
                $"The database holds the store of a former release (schema '{cli.FormerSchema}')",
                refused.Output,
                StringComparison.Ordinal
            );
            Assert.Contains("`eventstream store import events.ndjson`", refused.Output, StringComparison.Ordinal);
        }

        Assert.EndsWith(
            "upload: 1 uploads carried over\n",
            await cli.DoneAsync("import", FormerExport.File),
            StringComparison.Ordinal
        );
        await using var role = await cli.StartRoleAsync("upload", broker.Bootstrap, folder);
        Assert.Equal(["113"], await cli.RowsAsync($"select count(*) from {cli.FormerSchema}.events"));
    }
}
