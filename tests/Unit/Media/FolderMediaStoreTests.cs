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
}
