using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker.Wire;

/// <summary>
/// Valid request frames, made at random from their layout and from values that mean something to the broker under
/// test, so that they get beyond the first look-up.
/// </summary>
internal sealed class RandomRequests(int seed, IReadOnlyList<string> words, IReadOnlyList<Guid> ids)
{
    private static readonly long[] Numbers = [-2, -1, 0, 0, 1, 1, 2, 3, 7, 100, 6000, int.MaxValue, long.MinValue];

    public Random Random { get; } = new(seed);

    /// <summary>A whole frame without its size: header and body.</summary>
    public byte[] Frame(ApiKey api, short version)
    {
        var layout = WireLayout.Find(api, isRequest: true, version);
        using var writer = new ResponseWriter();
        writer.WriteInt16((short)api);
        writer.WriteInt16(version);
        writer.WriteInt32(Random.Next());
        writer.WriteString(Random.Next(4) == 0 ? null : "tests");
        writer.Flexible = layout.IsFlexible;
        WriteTags(writer);
        Write(writer, layout.Body);
        return writer.Written.ToArray();
    }

    /// <summary>The frame with some bytes changed, cut off, doubled or put in.</summary>
    public byte[] Mutate(byte[] frame)
    {
        var bytes = frame.ToList();
        for (var changes = Random.Next(1, 4); changes > 0 && bytes.Count > 8; changes--)
        {
            // The API and its version stay, so that the mutation meets the handler that it is meant for.
            var at = Random.Next(8, bytes.Count);
            switch (Random.Next(5))
            {
                case 0:
                    bytes.RemoveRange(at, Random.Next(1, bytes.Count - at + 1));
                    break;
                case 1:
                    bytes.InsertRange(at, bytes.GetRange(8, Random.Next(0, Math.Min(40, bytes.Count - 8))));
                    break;
                case 2:
                    bytes.InsertRange(at, [(byte)Random.Next(256), (byte)Random.Next(256)]);
                    break;
                case 3:
                    bytes[at] = (byte)(bytes[at] ^ (1 << Random.Next(8)));
                    break;
                default:
                    bytes[at] = (byte[])[0, 1, 0x7f, 0x80, 0xff] is var edges ? edges[Random.Next(5)] : default;
                    break;
            }
        }
        return [.. bytes];
    }

    private T Pick<T>(IReadOnlyList<T> from) => from[Random.Next(from.Count)];

    private void WriteTags(ResponseWriter writer)
    {
        if (!writer.Flexible || Random.Next(20) > 0)
        {
            writer.WriteTags();
            return;
        }
        // A tag from a version to come, which is to be passed over.
        writer.WriteByte(1);
        writer.WriteUnsignedVarint(4711);
        var bytes = Random.Next(5);
        writer.WriteUnsignedVarint((uint)bytes);
        writer.Grow(bytes).Clear();
    }

    private void Write(ResponseWriter writer, WireField field)
    {
        var isNull = field.MayBeNull && Random.Next(4) == 0;
        switch (field.Type)
        {
            case "{}":
                if (field.MayBeNull)
                    writer.WriteByte(isNull ? byte.MaxValue : (byte)1);
                if (isNull)
                    break;
                foreach (var part in field.Parts)
                    Write(writer, part);
                WriteTags(writer);
                break;
            case "[]":
                var count = isNull ? -1 : Pick([0, 1, 1, 1, 2, 3]);
                writer.WriteArrayLength(count);
                for (; count > 0; count--)
                    Write(writer, field.Parts[0]);
                break;
            case "s":
                writer.WriteString(isNull ? null : Pick(words));
                break;
            case "y":
                writer.WriteBytes(RandomBytes());
                break;
            case "r":
                writer.WriteBytes(Random.Next(3) > 0 ? Batches.Of(Random.Next(1, 5)) : RandomBytes());
                break;
            case "id":
                writer.WriteUuid(Pick(ids));
                break;
            default:
                WriteNumber(writer, WireLayout.SizeOf(field.Type));
                break;
        }
    }

    private void WriteNumber(ResponseWriter writer, int bytes)
    {
        var value = Random.Next(8) == 0 ? Random.NextInt64() : Pick(Numbers);
        for (var shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
            writer.WriteByte((byte)(value >> shift));
    }

    private byte[] RandomBytes()
    {
        var bytes = new byte[Random.Next(0, 80)];
        Random.NextBytes(bytes);
        return bytes;
    }
}
