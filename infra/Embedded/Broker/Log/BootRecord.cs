using System.Text;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Distinguishes the end of the process from the end of the machine. Bytes that the broker wrote outlive its process,
/// but not the loss of power unless they were flushed; so the folder remembers under which boot of the machine it was
/// last used. Under another boot, whatever was not flushed is verified before it is believed.
/// </summary>
internal static class BootRecord
{
    private const string FileName = "boot";
    private const string BootId = "/proc/sys/kernel/random/boot_id";

    /// <summary>
    /// Whether the machine has not been restarted since the folder was last opened; writes down this boot.
    /// </summary>
    public static bool IsSameBoot(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var now = File.Exists(BootId) ? File.ReadAllText(BootId).Trim() : "";
        var last = File.Exists(path) ? File.ReadAllText(path) : null;
        if (last != now)
        {
            WholeFile.Write(path, Encoding.ASCII.GetBytes(now), flush: true);
        }
        return now.Length > 0 && (last is null || last == now);
    }
}
