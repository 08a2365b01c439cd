using EventStream.Contracts;
using EventStream.Media;
using EventStream.Upload.Uploads;

namespace EventStream.Integration.Tests.Upload;

/// <summary>Hashes of files that are made while their bytes arrive, on a folder.</summary>
public sealed class UploadHashesTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("eventstream-hashes-").FullName;
    private readonly FolderMediaStore media;
    private readonly UploadHashes hashes;
    private readonly UploadRecord upload = Record(UploadRecord.Whole, 3000);
    private readonly byte[] file = TusHarness.Bytes(3000);

    public UploadHashesTests()
    {
        media = new FolderMediaStore(root);
        hashes = new UploadHashes(media);
    }

    public void Dispose()
    {
        hashes.Dispose();
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task A_file_that_came_in_chunks_is_not_read_again()
    {
        await AppendAsync(hashes, 0, 1000);
        await AppendAsync(hashes, 1000, 3000);
        await media.DeleteAsync(upload.SourceKey, CancellationToken.None);
        Assert.Equal(TusHarness.Hex(file), await WholeAsync(hashes));
    }

    [Fact]
    public async Task After_a_restart_or_a_chunk_of_another_process_the_file_is_read()
    {
        using var other = new UploadHashes(media);
        await AppendAsync(hashes, 0, 1000);
        await AppendAsync(other, 1000, 2000);
        await AppendAsync(hashes, 2000, 3000);
        Assert.Equal(TusHarness.Hex(file), await WholeAsync(hashes));
        Assert.Equal(TusHarness.Hex(file), await WholeAsync(other));
        await media.DeleteAsync(upload.SourceKey, CancellationToken.None);
        await Assert.ThrowsAsync<MediaNotFoundException>(() => WholeAsync(hashes));
    }

    [Fact]
    public async Task What_arrived_before_a_connection_broke_counts()
    {
        await using var broken = new BrokenStream(file[..1500]);
        await Assert.ThrowsAsync<IOException>(() => hashes.AppendAsync(upload, 0, broken, CancellationToken.None));
        await AppendAsync(hashes, 1500, 3000);
        await media.DeleteAsync(upload.SourceKey, CancellationToken.None);
        Assert.Equal(TusHarness.Hex(file), await WholeAsync(hashes));
    }

    [Fact]
    public async Task Bytes_at_an_offset_that_does_not_follow_leave_the_hash_right()
    {
        await AppendAsync(hashes, 0, 2000);
        await Assert.ThrowsAsync<MediaOffsetException>(() => AppendAsync(hashes, 0, 2000));
        await AppendAsync(hashes, 2000, 3000);
        Assert.Equal(TusHarness.Hex(file), await WholeAsync(hashes));
    }

    [Fact]
    public async Task A_part_is_hashed_only_where_it_announced_a_hash()
    {
        var part = Record(UploadRecord.Partial, 3000);
        await hashes.AppendAsync(part, 0, new MemoryStream(file), CancellationToken.None);
        Assert.Equal("", await hashes.WholeAsync(part, CancellationToken.None));
        var announced = Record(UploadRecord.Partial, 3000) with { Sha256 = TusHarness.Hex(file) };
        await hashes.AppendAsync(announced, 0, new MemoryStream(file), CancellationToken.None);
        Assert.Equal(TusHarness.Hex(file), await hashes.WholeAsync(announced, CancellationToken.None));
    }

    private Task AppendAsync(UploadHashes by, int from, int to) =>
        by.AppendAsync(upload, from, new MemoryStream(file[from..to]), CancellationToken.None);

    private Task<string> WholeAsync(UploadHashes by) => by.WholeAsync(upload, CancellationToken.None);

    private static UploadRecord Record(string kind, long length)
    {
        var now = TimeProvider.System.GetUtcNow();
        var id = VideoId.New(now);
        return new UploadRecord(id, "p", length, "", null, UploadRecord.Open, null, now, now) { Kind = kind };
    }

    /// <summary>Ends in an error after its bytes, as a connection that is cut.</summary>
    private sealed class BrokenStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        ) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read
                ? read
                : throw new IOException("The connection was cut.");
    }
}
