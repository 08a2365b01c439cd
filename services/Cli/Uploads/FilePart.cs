using System.Net;

namespace EventStream.Cli.Uploads;

/// <summary>A part of a file as the body of a request; says how far it has come, in bytes of the file.</summary>
internal sealed class FilePart : HttpContent
{
    private const int BufferBytes = 256 * 1024;
    private readonly FileStream file;
    private readonly long offset;
    private readonly long length;
    private readonly Action<long> report;

    public FilePart(FileStream file, long offset, long length, Action<long> report)
    {
        (this.file, this.offset, this.length, this.report) = (file, offset, length, report);
        Headers.ContentType = new("application/offset+octet-stream");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken
    )
    {
        file.Seek(offset, SeekOrigin.Begin);
        var buffer = new byte[BufferBytes];
        for (var sent = 0L; sent < length; )
        {
            var most = (int)Math.Min(buffer.Length, length - sent);
            var read = await file.ReadAsync(buffer.AsMemory(0, most), cancellationToken);
            if (read == 0)
                throw new CommandException($"'{file.Name}' became shorter while it was read. Send it again.");
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            sent += read;
            report(offset + sent);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = this.length;
        return true;
    }
}
