using EventStream.Embedded.Broker.Apis;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker.Wire;

/// <summary>
/// Every API in every version, with requests at random: what is valid is answered in the layout of the version, what
/// is not is refused, and nothing else happens. The seeds are fixed.
/// </summary>
public sealed class HandlerFuzzTests(HandlerFixture broker) : IClassFixture<HandlerFixture>
{
    private const int RequestsEach = 12;
    private const int MutationsEach = 25;

    /// <summary>A frame of a few hundred bytes leads to some objects for each of them, and to no more.</summary>
    private const long BytesAllocatedMax = 4 * 1024 * 1024;

    [Fact]
    public async Task A_valid_request_is_answered_in_the_layout_of_its_version()
    {
        var requests = broker.Requests(seed: 1);
        foreach (var (entry, version) in Served())
        {
            var layout = WireLayout.Find(entry.Key, isRequest: false, version);
            for (var i = 0; i < RequestsEach; i++)
            {
                var frame = requests.Frame(entry.Key, version);
                byte[]? answer = [];
                var problem = await Record.ExceptionAsync(async () => answer = await broker.AnswerAsync(frame));
                if (problem is null && answer is not null)
                {
                    var reader = new RequestReader();
                    reader.Reset(answer, 0, answer.Length);
                    problem = Record.Exception(() => layout.Check(reader));
                }
                Assert.True(problem is null, $"{entry.Key} {version}: {problem} {Show(frame, answer ?? [])}");
            }
        }
    }

    [Fact]
    public async Task A_mutated_request_is_answered_or_refused_and_takes_little_memory()
    {
        var requests = broker.Requests(seed: 2);
        foreach (var (entry, version) in Served())
        {
            for (var i = 0; i < MutationsEach; i++)
            {
                var frame = requests.Mutate(requests.Frame(entry.Key, version));
                var (thread, before) = (Environment.CurrentManagedThreadId, GC.GetAllocatedBytesForCurrentThread());
                var problem = await Record.ExceptionAsync(() => broker.AnswerAsync([.. frame]));
                // What waited goes on elsewhere and cannot be told from other tests; it is little after the waiting.
                var isSameThread = thread == Environment.CurrentManagedThreadId;
                var allocated = isSameThread ? GC.GetAllocatedBytesForCurrentThread() - before : 0;
                var place = $"{entry.Key} {version}: {Convert.ToHexString(frame)}";
                Assert.True(problem is null or MalformedRequestException, $"{place} {problem}");
                Assert.True(allocated < BytesAllocatedMax, $"{place} took {allocated} bytes");
            }
        }
    }

    [Fact]
    public async Task A_request_cut_off_anywhere_is_answered_or_refused()
    {
        var requests = broker.Requests(seed: 3);
        foreach (var (entry, version) in Served().Where(s => s.Version == s.Entry.Max))
        {
            var frame = requests.Frame(entry.Key, version);
            for (var length = 0; length < frame.Length; length++)
            {
                var cut = frame[..length];
                var problem = await Record.ExceptionAsync(() => broker.AnswerAsync(cut));
                Assert.True(problem is null or MalformedRequestException, $"{entry.Key} {version}: {problem}");
            }
        }
    }

    private static IEnumerable<(ApiEntry Entry, short Version)> Served() =>
        from entry in ApiTable.Entries
        from version in Enumerable.Range(entry.Min, entry.Max - entry.Min + 1)
        select (entry, (short)version);

    private static string Show(byte[] frame, byte[] answer) =>
        $"request {Convert.ToHexString(frame)} answer {Convert.ToHexString(answer)}";
}
