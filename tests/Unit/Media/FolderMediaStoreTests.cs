using EventStream.Media;

namespace EventStream.Unit.Tests.Media;

/// <summary>The folder of media: links lead nowhere.</summary>
public sealed class FolderMediaStoreTests : IDisposable
{
    private readonly DirectoryInfo beside = Directory.CreateTempSubdirectory("eventstream-beside-");
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("eventstream-media-");
    private readonly FolderMediaStore store;

    public FolderMediaStoreTests()
    {
        store = new FolderMediaStore(root.FullName);
        File.WriteAllText(Path.Combine(beside.FullName, "secret"), "secret");
    }

    public void Dispose()
    {
        root.Delete(recursive: true);
        beside.Delete(recursive: true);
    }

    [Theory]
    [InlineData("linked-folder/secret")]
    [InlineData("videos/linked-file")]
    public async Task What_lies_behind_a_link_is_not_there(string key)
    {
        Link();
        Assert.Null(await store.StatAsync(key, default));
        await Assert.ThrowsAsync<MediaNotFoundException>(() => store.OpenReadAsync(key, default));
        await Assert.ThrowsAsync<MediaNotFoundException>(() => store.FetchAsync(key, default));
        await store.DeleteAsync(key, default);
        Assert.True(File.Exists(Path.Combine(beside.FullName, "secret")));
        var listed = new List<string>();
        foreach (var prefix in (string[])["linked-folder", "videos"])
        await foreach (var found in store.ListAsync(prefix, default))
            listed.Add(found);
        Assert.Equal(["videos/own"], listed);
    }

    [Theory]
    [InlineData("linked-folder/secret")]
    [InlineData("linked-folder/more/new")]
    [InlineData("videos/linked-file")]
    public async Task Nothing_is_written_behind_a_link(string key)
    {
        Link();
        var content = new MemoryStream("changed"u8.ToArray());
        await Assert.ThrowsAsync<IOException>(() => store.WriteAsync(key, content, default));
        await Assert.ThrowsAsync<IOException>(() => store.AppendAsync(key, 6, content, default));
        Assert.Equal("secret", await File.ReadAllTextAsync(Path.Combine(beside.FullName, "secret")));
        Assert.Single(beside.EnumerateFileSystemInfos());
    }

    [Fact]
    public async Task The_folder_itself_may_be_reached_by_a_link()
    {
        var link = Path.Combine(beside.FullName, "link");
        Directory.CreateSymbolicLink(link, root.FullName);
        var linked = new FolderMediaStore(link);
        await linked.WriteAsync("videos/a", new MemoryStream("a"u8.ToArray()), default);
        Assert.Equal(1, (await linked.StatAsync("videos/a", default))!.SizeBytes);
    }

    [Fact]
    public async Task What_a_killed_process_left_of_a_write_is_removed_and_what_is_being_written_is_not()
    {
        var temporaries = Directory.CreateDirectory(Path.Combine(root.FullName, ".tmp"));
        var content = new SlowStream();
        var writing = store.WriteAsync("videos/a", content, default);
        await content.Asked;
        File.WriteAllText(Path.Combine(temporaries.FullName, "left"), "half");
        File.WriteAllText(Path.Combine(temporaries.FullName, "fresh"), "half");
        foreach (var file in temporaries.EnumerateFiles().Where(file => file.Name != "fresh"))
            file.LastWriteTimeUtc -= TimeSpan.FromMinutes(1);
        Assert.Equal(1, store.RemoveAbandoned());
        Assert.False(File.Exists(Path.Combine(temporaries.FullName, "left")));
        content.End();
        await writing;
        Assert.Equal(1, (await store.StatAsync("videos/a", default))!.SizeBytes);
        Assert.Equal(["fresh"], temporaries.EnumerateFiles().Select(file => file.Name));
    }

    [Fact]
    public async Task A_linked_folder_of_temporary_files_is_not_used()
    {
        Directory.CreateSymbolicLink(Path.Combine(root.FullName, ".tmp"), beside.FullName);
        await Assert.ThrowsAsync<IOException>(() => store.WriteAsync("videos/a", new MemoryStream(), default));
        Assert.Equal(0, store.RemoveAbandoned());
        Assert.Single(beside.EnumerateFileSystemInfos());
    }

    private void Link()
    {
        Directory.CreateDirectory(Path.Combine(root.FullName, "videos"));
        File.WriteAllText(Path.Combine(root.FullName, "videos", "own"), "own");
        Directory.CreateSymbolicLink(Path.Combine(root.FullName, "linked-folder"), beside.FullName);
        File.CreateSymbolicLink(
            Path.Combine(root.FullName, "videos", "linked-file"),
            Path.Combine(beside.FullName, "secret")
        );
    }

    /// <summary>One byte, and its end only when told.</summary>
    private sealed class SlowStream : MemoryStream
    {
        private readonly TaskCompletionSource asked = new();
        private readonly TaskCompletionSource end = new();

        public Task Asked => asked.Task;

        public void End() => end.SetResult();

        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            await destination.WriteAsync("a"u8.ToArray(), cancellationToken);
            asked.SetResult();
            await end.Task;
        }
    }
}
