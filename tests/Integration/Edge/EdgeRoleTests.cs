using System.Diagnostics;
using System.Globalization;
using System.Net;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using EventStream.Tokens;

namespace EventStream.Integration.Tests.Edge;

/// <summary>The edge as a container runs it: the role in a process of its own.</summary>
public sealed class EdgeRoleTests
{
    [Fact]
    public async Task The_role_serves_signed_media_and_ends_together_with_nginx()
    {
        await using var rig = await EdgeRig.StartAsync();
        var (port, folder) = (FreePort.Next(), Path.Combine(rig.Folder, "edge-a"));
        await using var role = await EventStreamProcess.StartAsync("edge", Settings(rig, port, folder));
        var video = VideoId.New(DateTimeOffset.UnixEpoch);
        var signed = new EdgeTokens(EdgeRig.SigningKey).Prefix(
            video,
            Guid.NewGuid(),
            new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero)
        );
        var path = $"/media/{video}/720p/1.m4s";

        using var answer = await rig.Http.GetAsync($"http://127.0.0.1:{port}{signed}{path}");
        using var refused = await rig.Http.GetAsync($"http://127.0.0.1:{port}{path}");

        Assert.Equal(path, await answer.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using var nginx = Process.GetProcessById(
            int.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "nginx.pid")), CultureInfo.InvariantCulture)
        );
        nginx.Kill(entireProcessTree: true);
        await role.UntilExitAsync();
        Assert.NotEqual(0, role.ExitCode);
        Assert.Contains("nginx ended", role.Output);
    }

    [Fact]
    public async Task A_stopped_role_leaves_no_nginx_behind()
    {
        await using var rig = await EdgeRig.StartAsync();
        var (port, folder) = (FreePort.Next(), Path.Combine(rig.Folder, "edge-a"));
        await using var role = await EventStreamProcess.StartAsync("edge", Settings(rig, port, folder));

        Assert.Equal(0, await role.StopAsync());

        await Assert.ThrowsAsync<HttpRequestException>(() => rig.Http.GetAsync($"http://127.0.0.1:{port}/health"));
    }

    [Fact]
    public async Task Every_wrong_setting_is_named_at_once()
    {
        await using var role = EventStreamProcess.Launch(
            "edge",
            ("Edge:Name", "Edge A"),
            ("Edge:Port", "many"),
            ("Edge:Folder", "/tmp")
        );

        await role.UntilExitAsync();

        Assert.Equal(1, role.ExitCode);
        Assert.Contains("Edge:Name", role.Output);
        Assert.Contains("Edge:Port: 'many'", role.Output);
        Assert.Contains("Playback:SigningKeyFile", role.Output);
    }

    private static (string Key, string Value)[] Settings(EdgeRig rig, int port, string folder) =>
        [
            ("Edge:Name", "edge-a"),
            ("Edge:Region", "eu"),
            ("Edge:Port", $"{port}"),
            ("Edge:Folder", folder),
            ("Edge:OriginUrl", rig.OriginUrl),
            ("Playback:SigningKey", EdgeRig.SigningKey),
        ];
}
