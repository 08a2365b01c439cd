using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Planner;
using EventStream.EventStore;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Planner and workers as their roles, on a real broker and a real PostgreSQL.</summary>
public sealed class JobJourneyTests : IAsyncLifetime
{
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task An_uploaded_film_becomes_a_ladder_made_by_two_workers()
    {
        var key = stage.Rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=640x360:rate=25:duration=4 -f lavfi -i sine=duration=4 "
                + "-c:v libx264 -preset ultrafast -c:a aac"
        );
        var planner = await stage.PlannerAsync();
        await Task.WhenAll(stage.WorkerAsync("w1"), stage.WorkerAsync("w2"));
        await UploadAsync(planner, key);
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 90);

        var plan = Assert.Single(stage.Of<EncodePlanned>());
        Assert.Equal(["360p", "240p", "thumbnails"], plan.Tasks);
        Assert.Equal("360p", plan.FirstRung);
        Assert.Equal(
            ["240p", "360p", "audio"],
            stage.Of<RenditionEncoded>().SelectMany(e => e.All()).Select(made => made.Name).Distinct().Order()
        );
        // Nothing else of a video is begun while its first rung and its sound are made.
        var told = stage.Records.Select(record => record.Message).ToList();
        var first = told.FindIndex(message => message is RenditionEncoded { Also: [{ Name: "audio" }] });
        Assert.True(first > 0, "the first rung is reported with its sound");
        Assert.All(
            told.Index().Where(at => at.Item is EncodeTaskStarted { Task: "240p" or "thumbnails" }),
            at => Assert.True(at.Index > first)
        );
        Assert.NotEmpty(stage.Of<ThumbnailsMade>());
        var measured = Assert.Single(stage.Of<QualityMeasured>());
        Assert.Equal(["240p", "360p"], measured.Qualities.Select(quality => quality.Name));
        var job = await JobAsync(planner);
        Assert.Equal(("completed", 1.0), (job.Phase, job.Fraction));
        Assert.All(job.Tasks, task => Assert.Equal(("done", 1), (task.Phase, task.Attempt)));

        // Everything may be delivered again: nothing is stored or published twice.
        var process = planner.Services.GetRequiredService<JobProcess>();
        var jobs = planner.Services.GetRequiredService<Decider<EncodeJob>>();
        var version = (await jobs.LoadAsync(id.Value, CancellationToken.None)).Version;
        IMessage[] again = [Uploaded(key), .. stage.Of<SourceProbed>(), .. stage.Of<RenditionEncoded>()];
        foreach (var message in again)
            await process.HandleAsync(
                new ConsumedMessage("again", 0, 0, $"{id}", "e", default, message, null),
                CancellationToken.None
            );
        Assert.Equal(version, (await jobs.LoadAsync(id.Value, CancellationToken.None)).Version);
        Assert.Single(stage.Records, record => record.Message is EncodePlanned);
        Assert.Single(stage.Records, record => record.Message is EncodeCompleted);
        Assert.Equal(5, stage.Records.Count(record => record.Message is ICommand));
        // The list is a read model: it follows the stored events a moment later.
        await Until.TrueAsync(() => CompletedAsync(planner).Result.Contains(id.ToString()), "the job in the list");
    }

    [Fact]
    public async Task A_text_is_rejected_and_unknown_jobs_and_phases_are_named()
    {
        await File.WriteAllTextAsync(stage.Rig.PathOf("sources/letter.mp4"), "Dear viewer");
        var planner = await stage.PlannerAsync();
        await stage.WorkerAsync("w1");
        await UploadAsync(planner, "sources/letter.mp4");
        await Until.TrueAsync(() => JobAsync(planner).Result.Phase == "rejected", "the rejection");
        var job = await JobAsync(planner);
        Assert.StartsWith("The file is not a video that can be read", job.Trouble, StringComparison.Ordinal);

        using var client = EncodeStage.Client(planner);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/v1/jobs/nothing")).StatusCode);
        var wrong = await client.GetAsync("/v1/jobs?phase=lost");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("'lost' is not a phase", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        // Ready once the read models hold what was stored before the start, and the relay has its turn.
        await Until.TrueAsync(() => HealthAsync(client).Result == "Healthy", "a healthy planner");
    }

    [Fact]
    public async Task What_fails_is_tried_three_times_and_then_given_up()
    {
        var key = stage.Rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x240:duration=1 -c:v libx264");
        var broken = Path.Combine(stage.Rig.Folder, "broken-ffmpeg");
        stage.Rig.Script(broken, "echo no space left >&2\nexit 28");
        var planner = await stage.PlannerAsync();
        await stage.WorkerAsync("w1", broken);
        await UploadAsync(planner, key);
        await Until.TrueAsync(() => JobAsync(planner).Result.Phase == "failed", "the end of the job", 60);
        var job = await JobAsync(planner);
        Assert.Contains("ended with code 28: no space left", job.Trouble, StringComparison.Ordinal);
        var failed = job.Tasks.MaxBy(task => task.Attempt)!;
        Assert.Equal(3, failed.Attempt);
        // The planner may have heard of the last failure before the test did.
        await Until.TrueAsync(
            () => stage.Of<EncodeTaskFailed>().Count(e => e.Task == failed.Name) >= 3,
            "news of the third failure"
        );
        Assert.Equal(
            [(1, true), (2, true), (3, false)],
            stage.Of<EncodeTaskFailed>().Where(e => e.Task == failed.Name).Select(e => (e.Attempt, e.WillRetry))
        );
    }

    [Fact]
    public async Task Thumbnails_that_cannot_be_made_are_given_up_and_the_job_completes()
    {
        var key = stage.Rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x240:duration=1 -c:v libx264");
        var broken = Path.Combine(stage.Rig.Folder, "pictureless-ffmpeg");
        stage.Rig.Script(
            broken,
            $"case \"$*\" in *mjpeg*) echo no picture >&2; exit 1;; esac\nexec {EncodeRig.Ffmpeg} \"$@\""
        );
        var planner = await stage.PlannerAsync();
        await stage.WorkerAsync("w1", broken);
        await UploadAsync(planner, key);
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 60);
        var given = Assert.Single(stage.Of<EncodeTaskFinished>(), finished => finished.Cause is not null);
        Assert.Equal("thumbnails", given.Task);
        Assert.Contains("no picture", given.Cause, StringComparison.Ordinal);
        Assert.Equal(3, stage.Of<EncodeTaskFailed>().Count(failed => failed.Task == "thumbnails"));
        var job = await JobAsync(planner);
        Assert.Equal("completed", job.Phase);
        Assert.Equal(["thumbnails"], job.Tasks.Where(task => task.Phase == "failed").Select(task => task.Name));
    }

    [Fact]
    public async Task The_task_of_a_killed_worker_is_finished_by_another_and_its_ffmpeg_dies_with_it()
    {
        var key = stage.Rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=320x240:duration=20 -c:v libx264 -preset ultrafast"
        );
        var planner = await stage.PlannerAsync();
        using var doomed = stage.StartProcess(
            "encode-worker",
            ("Encode:WorkerId", "doomed"),
            ("Tools:ffmpeg", stage.Rig.SlowFfmpeg())
        );
        try
        {
            await UploadAsync(planner, key);
            await Until.TrueAsync(() => stage.Of<EncodeTaskProgressed>().Any(e => e.Task == "240p"), "the encode", 60);
            var encoder = int.Parse(
                await File.ReadAllTextAsync(Path.Combine(stage.Rig.Folder, "slow-ffmpeg.pid")),
                CultureInfo.InvariantCulture
            );
            Assert.True(Directory.Exists($"/proc/{encoder}"), "the encoder runs");
            doomed.Kill();
            await doomed.WaitForExitAsync();
            await Until.TrueAsync(() => !Directory.Exists($"/proc/{encoder}"), "the end of the encoder", 10);
        }
        finally
        {
            doomed.Kill(entireProcessTree: true);
        }

        await stage.WorkerAsync("heir");
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 90);
        Assert.All(stage.Of<RenditionEncoded>(), encoded => Assert.Equal("heir", encoded.Worker));
        Assert.Equal("completed", (await JobAsync(planner)).Phase);
    }

    private static async Task<IEnumerable<string>> CompletedAsync(WebApplication planner)
    {
        using var client = EncodeStage.Client(planner);
        return (await client.GetFromJsonAsync<JobList>("/v1/jobs?phase=completed"))!.Jobs.Select(job => job.VideoId);
    }

    private VideoUploaded Uploaded(string key) => new(id, key, 1000, "00", TimeProvider.System.GetUtcNow());

    private Task UploadAsync(WebApplication planner, string key) =>
        EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, Uploaded(key));

    private async Task<JobView> JobAsync(WebApplication planner)
    {
        using var client = EncodeStage.Client(planner);
        var response = await client.GetAsync($"/v1/jobs/{id}");
        return response.IsSuccessStatusCode
            ? (await response.Content.ReadFromJsonAsync<JobView>())!
            : new JobView("", "none", 0, null, "", null, null, null, null, []);
    }

    private static async Task<string> HealthAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/health/ready");
        return (await answer.Content.ReadAsStringAsync()).Split('\n')[0];
    }
}
