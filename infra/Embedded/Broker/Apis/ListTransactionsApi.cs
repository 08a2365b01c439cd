using System.Text.RegularExpressions;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;
using EventStream.Embedded.Broker.Transactions;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>ListTransactions: every transactional id, filtered by state, producer, duration and pattern.</summary>
internal static class ListTransactionsApi
{
    private sealed record Filter(string[] States, HashSet<long> Producers, long DurationMs, Regex? Pattern)
    {
        public bool Passes(TransactionDescription transaction, long nowMs) =>
            (States.Length == 0 || States.Contains(transaction.State.ToString(), StringComparer.Ordinal))
            && (Producers.Count == 0 || Producers.Contains(transaction.ProducerId))
            && (DurationMs < 0 || (transaction.StartedMs >= 0 && nowMs - transaction.StartedMs > DurationMs))
            && (Pattern is null || Pattern.IsMatch(transaction.Id));
    }

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var writer = request.Writer;
        var filter = Read(request, out var error);
        writer.WriteInt32(0);
        writer.WriteError(error);
        var unknown = filter.States.Where(s => !Enum.IsDefined(typeof(TransactionState), s)).ToList();
        writer.WriteArrayLength(unknown.Count);
        foreach (var state in unknown)
        {
            writer.WriteString(state);
        }
        var nowMs = node.Options.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var found =
            error == ErrorCode.None ? node.Transactions.DescribeAll().FindAll(t => filter.Passes(t, nowMs)) : [];
        writer.WriteArrayLength(found.Count);
        foreach (var transaction in found)
        {
            writer.WriteString(transaction.Id);
            writer.WriteInt64(transaction.ProducerId);
            writer.WriteString(transaction.State.ToString());
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static Filter Read(Request request, out ErrorCode error)
    {
        var (reader, version) = (request.Reader, request.Version);
        error = ErrorCode.None;
        var states = reader.ReadStringArray();
        var producers = new HashSet<long>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            producers.Add(reader.ReadInt64());
        }
        var durationMs = version >= 1 ? reader.ReadInt64() : -1;
        var text = version >= 2 ? reader.ReadNullableString() : null;
        Regex? pattern = null;
        try
        {
            pattern = string.IsNullOrEmpty(text) ? null : Compile(text);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            error = ErrorCode.InvalidRegularExpression;
        }
        return new Filter(states, producers, durationMs, pattern);
    }

    /// <summary>Matching takes linear time, since the pattern comes from the client.</summary>
    private static Regex Compile(string pattern) =>
        new($"^(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
}
