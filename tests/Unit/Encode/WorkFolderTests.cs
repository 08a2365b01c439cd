using EventStream.Encode.Worker;

namespace EventStream.Unit.Tests.Encode;

/// <summary>What killed workers left is removed by the next that starts; what living ones have is not.</summary>
public sealed class WorkFolderTests : IDisposable
{
    private readonly string parent = Directory.CreateTempSubdirectory("eventstream-work-").FullName;

    public void Dispose() => Directory.Delete(parent, recursive: true);

    [Fact]
    public void A_worker_removes_what_dead_ones_left_and_nothing_of_living_ones()
    {
        using var living = new WorkFolder(parent, "living-1");
        living.Open();
        var task = Path.Combine(parent, "living-1", "task");
        Directory.CreateDirectory(task);
        Leave("host-7");
        Leave("host-8");
        Directory.CreateDirectory(Path.Combine(parent, "launcher-x"));
        using (var next = new WorkFolder(parent, "host-8"))
        {
            next.Open();
            Assert.True(Directory.Exists(task));
            Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(parent, "host-8")));
            Assert.Equal(["host-8", "host-8.lock", "launcher-x", "living-1", "living-1.lock"], Names());
        }

        Assert.Equal(["launcher-x", "living-1", "living-1.lock"], Names());
    }

    /// <summary>As a killed process leaves it: nobody holds the lock.</summary>
    private void Leave(string worker)
    {
        Directory.CreateDirectory(Path.Combine(parent, worker, "task"));
        File.WriteAllText(Path.Combine(parent, worker + ".lock"), "");
    }

    private IEnumerable<string> Names() =>
        Directory.GetFileSystemEntries(parent).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
}
