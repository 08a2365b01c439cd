using System.Security.Cryptography;
using EventStream.Media;
using EventStream.Media.S3;

namespace EventStream.Integration.Tests.Media;

/// <summary>Media in S3, with the real client and a real server: bytes come back as they went.</summary>
public sealed class S3MediaStoreTests(S3Server server) : IClassFixture<S3Server>, IDisposable
{
    private const int Part = S3Bucket.PartBytes;
    private readonly S3MediaStore store = new(server.Options);
    private readonly string key = $"videos/{Guid.NewGuid():N}/source";

    public void Dispose() => store.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    [InlineData(Part + 1)]
    [InlineData(3 * Part)]
    public async Task What_is_written_is_read_byte_for_byte(int size)
    {
        var content = Bytes(size);
        await store.WriteAsync(key, new MemoryStream(content), default);
        Assert.Equal(size, (await store.StatAsync(key, default))!.SizeBytes);
        Assert.Equal(content, await ReadAsync(key));
    }

    [Fact]
    public async Task A_stream_that_cannot_seek_is_written_in_parts()
    {
        var content = Bytes(Part + 77);
        await store.WriteAsync(key, new Trickle(content), default);
        Assert.Equal(content, await ReadAsync(key));
    }

    [Fact]
    public async Task A_range_is_read_where_it_begins()
    {
        var content = Bytes((2 * Part) + 5);
        await store.WriteAsync(key, new MemoryStream(content), default);
        await using var stream = await store.OpenReadAsync(key, default);
        Assert.Equal(content.Length, stream.Length);
        foreach (var first in (int[])[Part - 3, 10, content.Length - 4])
        {
            var range = new byte[4];
            stream.Seek(first, SeekOrigin.Begin);
            await stream.ReadExactlyAsync(range);
            Assert.Equal(content[first..(first + 4)], range);
        }

        Assert.Equal(0, await stream.ReadAsync(new byte[10]));
    }

    [Fact]
    public async Task Bytes_that_are_replaced_while_they_are_read_are_not_mixed()
    {
        await store.WriteAsync(key, new MemoryStream(Bytes(Part)), default);
        await using var stream = await store.OpenReadAsync(key, default);
        await stream.ReadExactlyAsync(new byte[100]);
        await store.WriteAsync(key, new MemoryStream(Bytes(Part)), default);
        await Assert.ThrowsAsync<MediaChangedException>(() => stream.CopyToAsync(Stream.Null));
    }

    [Fact]
    public async Task A_key_grows_by_chunks_of_any_size_and_is_whole_once_it_is_sealed()
    {
        var content = Bytes((2 * Part) + 1000);
        var at = 0;
        foreach (var size in (int[])[1, 100_000, Part, Part - 100_001, 0, 1000])
        {
            Assert.Equal(at, (await store.StatAsync(key, default))?.SizeBytes ?? 0);
            var held = await store.AppendAsync(key, at, new MemoryStream(content, at, size), default);
            Assert.Equal(at += size, held);
        }

        Assert.Equal(content.Length, at);
        await Assert.ThrowsAsync<MediaNotFoundException>(() => store.OpenAsync(key, default));
        await store.SealAsync(key, default);
        await store.SealAsync(key, default);
        Assert.Equal(content, await ReadAsync(key));
        Assert.Equal(at, await store.AppendAsync(key, at, Stream.Null, default));
        await Assert.ThrowsAsync<MediaStoreException>(() => store.AppendAsync(key, at, new MemoryStream([1]), default));
        Assert.Empty(await GrowingAsync());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task A_small_file_grows_and_is_sealed_without_a_part(int size)
    {
        var content = Bytes(size);
        await store.AppendAsync(key, 0, new MemoryStream(content), default);
        await store.SealAsync(key, default);
        Assert.Equal(content, await ReadAsync(key));
    }

    [Fact]
    public async Task What_arrived_before_a_cut_stays_and_another_process_goes_on()
    {
        var content = Bytes((2 * Part) + 500);
        await Assert.ThrowsAsync<IOException>(() =>
            store.AppendAsync(key, 0, new Trickle(content[..(Part + 300)], broken: true), default)
        );
        using var other = new S3MediaStore(server.Options);
        Assert.Equal(Part + 300, (await other.StatAsync(key, default))!.SizeBytes);
        var e = await Assert.ThrowsAsync<MediaOffsetException>(() =>
            other.AppendAsync(key, 7, new MemoryStream(content), default)
        );
        Assert.Equal(Part + 300, e.Actual);
        await other.AppendAsync(key, Part + 300, new MemoryStream(content[(Part + 300)..]), default);
        await other.SealAsync(key, default);
        Assert.Equal(content, await ReadAsync(key));
    }

    [Fact]
    public async Task Sealing_goes_on_where_a_killed_process_left_it()
    {
        var content = Bytes(Part + 10);
        await store.AppendAsync(key, 0, new MemoryStream(content), default);
        // The object is there, and what it was made of is not yet removed.
        using var bucket = new S3Bucket(server.Options);
        await bucket.PutAsync(key, new MemoryStream(content), default);
        Assert.NotEmpty(await GrowingAsync());
        await store.SealAsync(key, default);
        Assert.Equal(content, await ReadAsync(key));
        Assert.Empty(await GrowingAsync());
    }

    [Fact]
    public void A_file_of_twenty_gigabytes_comes_in_parts_that_S3_takes()
    {
        Assert.InRange((20L << 30) / Part, 1, S3Bucket.PartsMax);
        Assert.True(Part >= 5 << 20);
    }

    [Fact]
    public async Task A_growing_key_is_no_file_yet_and_leaves_nothing_when_it_is_deleted()
    {
        await store.AppendAsync(key, 0, new MemoryStream(Bytes(Part + 10)), default);
        Assert.Empty(await ListAsync(key[..key.LastIndexOf('/')]));
        await store.DeleteAsync(key, default);
        Assert.Null(await store.StatAsync(key, default));
        Assert.Empty(await GrowingAsync());
    }

    [Fact]
    public async Task Keys_of_a_folder_are_listed_and_deleted_one_by_one()
    {
        var folder = $"videos/{Guid.NewGuid():N}";
        foreach (var name in (string[])["b", "a", "c/d"])
            await store.WriteAsync($"{folder}/{name}", new MemoryStream([1]), default);
        await store.WriteAsync($"{folder}-beside/x", new MemoryStream([1]), default);
        Assert.Equal([$"{folder}/a", $"{folder}/b", $"{folder}/c/d"], await ListAsync(folder));
        await store.DeleteAsync($"{folder}/a", default);
        await store.DeleteAsync($"{folder}/a", default);
        Assert.Equal([$"{folder}/b", $"{folder}/c/d"], await ListAsync(folder));
        await Assert.ThrowsAsync<InvalidMediaKeyException>(() => store.StatAsync("../secret", default));
    }

    [Fact]
    public async Task Programs_read_a_local_copy_that_is_removed_after_them()
    {
        var content = Bytes((2 * Part) + 9);
        await store.WriteAsync(key, new MemoryStream(content), default);
        string path;
        using (var copy = await store.FetchAsync(key, default))
        {
            path = copy.Path;
            Assert.Equal(content, await File.ReadAllBytesAsync(path));
        }

        Assert.False(File.Exists(path));
        await Assert.ThrowsAsync<MediaNotFoundException>(() => store.FetchAsync(key + "x", default));
    }

    [Fact]
    public async Task A_copy_that_does_not_fit_is_refused_with_the_setting()
    {
        await store.WriteAsync(key, new MemoryStream(Bytes(1001)), default);
        using var small = new S3MediaStore(server.Options with { LocalBytesMax = 1000 });
        var e = await Assert.ThrowsAsync<MediaStoreException>(() => small.FetchAsync(key, default));
        Assert.Contains("Media:S3:LocalBytesMax", e.Message);
        // What was refused takes no room.
        await store.WriteAsync(key, new MemoryStream(Bytes(1000)), default);
        (await small.FetchAsync(key, default)).Dispose();
        (await small.FetchAsync(key, default)).Dispose();
    }

    [Fact]
    public void What_a_killed_process_left_on_disk_is_removed_and_a_living_ones_is_not()
    {
        var dead = Directory.CreateDirectory(Path.Combine(server.LocalFolder, Guid.NewGuid().ToString("N")));
        File.WriteAllText(Path.Combine(dead.FullName, "lock"), "");
        File.WriteAllText(Path.Combine(dead.FullName, "copy"), "bytes");
        var living = Directory.GetDirectories(server.LocalFolder).Except([dead.FullName]).ToList();
        using var next = new S3MediaStore(server.Options);
        Assert.False(Directory.Exists(dead.FullName));
        Assert.NotEmpty(living);
        Assert.All(living, folder => Assert.True(Directory.Exists(folder)));
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_or_a_server_that_is_away_is_named_without_the_secret()
    {
        Assert.Null(await store.TroubleAsync(default));
        using var nowhere = new S3MediaStore(server.Options with { Bucket = "nothing", SecretKey = "very-secret" });
        Assert.Contains("'nothing'", await nowhere.TroubleAsync(default));
        var e = await Assert.ThrowsAsync<MediaStoreException>(() =>
            nowhere.WriteAsync(key, new MemoryStream([1]), default)
        );
        Assert.Contains("NoSuchBucket", e.Message);
        Assert.DoesNotContain("very-secret", e.ToString());
    }

    private static byte[] Bytes(int count) => RandomNumberGenerator.GetBytes(count);

    private async Task<byte[]> ReadAsync(string from)
    {
        await using var stream = await store.OpenReadAsync(from, default);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }

    private async Task<List<string>> ListAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var found in store.ListAsync(prefix, default))
            keys.Add(found);
        return keys;
    }

    /// <summary>What is left beside the media for this key.</summary>
    private async Task<List<string>> GrowingAsync()
    {
        using var bucket = new S3Bucket(server.Options);
        var keys = new List<string>();
        await foreach (var found in bucket.ListAsync($".growing/{key}", default))
            keys.Add(found);
        return keys;
    }

    /// <summary>Gives a little at a time, cannot seek, and breaks at its end where it shall.</summary>
    private sealed class Trickle(byte[] content, bool broken = false) : Stream
    {
        private int at;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position
        {
            get => at;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            if (at == content.Length && broken)
                throw new IOException("The connection is cut.");
            var read = Math.Min(Math.Min(count, 70_001), content.Length - at);
            content.AsSpan(at, read).CopyTo(buffer.AsSpan(offset));
            at += read;
            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
