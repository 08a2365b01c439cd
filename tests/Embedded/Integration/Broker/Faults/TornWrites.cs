namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// What a crash may leave at the end of a file that was being written: bytes of a write that was never acknowledged.
/// The file that is written last in each folder gets such an end, and each journal.
/// </summary>
internal static class TornWrites
{
    /// <summary>
    /// What stands before the contents of a batch, and of an entry in a journal. An end keeps no more than that of what
    /// was written before: a whole old entry, checksum and all, is nothing that a crash leaves behind a newer one.
    /// </summary>
    private const int BatchHeadBytes = 61;
    private const int EntryHeadBytes = 12;

    /// <summary>Adds a torn end to the active segments and the journals of a data folder; returns how many.</summary>
    public static int Leave(string dataFolder, Random random)
    {
        var torn = 0;
        foreach (var folder in Directory.GetDirectories(Path.Combine(dataFolder, "log")))
        {
            var active = Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal).LastOrDefault();
            torn += active is not null && Tear(active, BatchHeadBytes, random) ? 1 : 0;
        }
        foreach (var journal in Directory.GetFiles(dataFolder, "*.journal"))
        {
            torn += Tear(journal, EntryHeadBytes, random) ? 1 : 0;
        }
        return torn;
    }

    private static bool Tear(string path, int headBytes, Random random)
    {
        var whole = File.ReadAllBytes(path);
        byte[] end = random.Next(4) switch
        {
            0 => new byte[random.Next(1, 5000)],
            1 => Noise(random),
            2 => whole[..Math.Min(whole.Length, random.Next(1, headBytes))],
            _ => Damaged(whole[..Math.Min(whole.Length, 4096)], headBytes, random),
        };
        using var file = new FileStream(path, FileMode.Append);
        file.Write(end);
        return end.Length > 0;
    }

    private static byte[] Noise(Random random)
    {
        var noise = new byte[random.Next(1, 5000)];
        random.NextBytes(noise);
        return noise;
    }

    /// <summary>What was written before, once more, with bits that the disk did not take behind each header.</summary>
    private static byte[] Damaged(byte[] bytes, int headBytes, Random random)
    {
        for (var i = headBytes; i < bytes.Length; i++)
        {
            bytes[i] ^= (byte)random.Next(1, 256);
        }
        return bytes.Length > headBytes ? bytes : Noise(random);
    }
}
