using System.Security.Cryptography;
using EventStream.Upload.Tus;

namespace EventStream.Unit.Tests.Upload;

/// <summary>A chunk that is set aside until its checksum is known.</summary>
public sealed class ChunkChecksumTests
{
    [Fact]
    public async Task A_chunk_that_is_set_aside_leaves_no_file_where_its_process_is_killed()
    {
        var bytes = "a chunk"u8.ToArray();
        await using var aside = Assert.IsType<FileStream>(
            await ChunkChecksum.OfSha256(SHA256.HashData(bytes)).SetAsideAsync(new MemoryStream(bytes), default)
        );
        Assert.False(File.Exists(aside.Name));
        using var read = new MemoryStream();
        await aside.CopyToAsync(read);
        Assert.Equal(bytes, read.ToArray());
    }
}
