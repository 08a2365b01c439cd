using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// The request that a connection is serving, and the response to it; one object is used again and again.
/// </summary>
internal sealed class Request : IDisposable
{
    public RequestReader Reader { get; } = new();

    public ResponseWriter Writer { get; } = new();

    public ApiKey Api { get; set; }

    public short Version
    {
        get => Reader.Version;
        set => Reader.Version = Writer.Version = value;
    }

    public string ClientId { get; set; } = "";

    /// <summary>The client's address, as DescribeGroups shows it.</summary>
    public required string ClientHost { get; init; }

    /// <summary>False for a producer that asked for no acknowledgement.</summary>
    public bool WantsResponse { get; set; } = true;

    /// <summary>The state of the authentication, null where the listener asks for none.</summary>
    public SaslSession? Sasl { get; init; }

    /// <summary>True when the connection ends with this response.</summary>
    public bool ClosesConnection { get; set; }

    /// <summary>What the response holds of the budget for bytes in flight; released when it is sent.</summary>
    public long BudgetTaken { get; set; }

    /// <summary>Cancelled when the broker stops.</summary>
    public required CancellationToken Cancellation { get; init; }

    /// <summary>Answers an array of structures with one of as many, in the same order.</summary>
    public void AnswerEach(Action answer)
    {
        var count = Reader.ReadArrayLength();
        Writer.WriteArrayLength(count);
        for (; count > 0; count--)
        {
            answer();
            Reader.SkipTags();
            Writer.WriteTags();
        }
    }

    /// <summary>Answers the partitions of named topics one by one; the answer is given the topic's name.</summary>
    public void AnswerEachPartition(Action<string> answer) =>
        AnswerEach(() =>
        {
            var topic = Reader.ReadString();
            Writer.WriteString(topic);
            AnswerEach(() => answer(topic));
        });

    public void Dispose() => Writer.Dispose();
}
