using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// DescribeUserScramCredentials: which users there are, with which mechanisms; never a secret of theirs.
/// </summary>
internal static class DescribeUserScramCredentialsApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var names = new List<string>();
        var count = reader.ReadNullableArrayLength();
        for (; count > 0; count--)
        {
            names.Add(reader.ReadString());
            reader.SkipTags();
        }
        if (names.Count == 0)
        {
            names.AddRange(node.Users.Names);
        }
        writer.WriteInt32(0);
        writer.WriteError(ErrorCode.None);
        writer.WriteString(null);
        writer.WriteArrayLength(names.Count);
        foreach (var name in names)
        {
            Write(writer, name, node.Users.Find(name));
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void Write(ResponseWriter writer, string name, IReadOnlyList<ScramCredential> credentials)
    {
        var error = credentials.Count == 0 ? ErrorCode.ResourceNotFound : ErrorCode.None;
        writer.WriteString(name);
        writer.WriteError(error);
        writer.WriteString(error == ErrorCode.None ? null : Errors.Sentence(error));
        writer.WriteArrayLength(credentials.Count);
        foreach (var credential in credentials)
        {
            writer.WriteByte((byte)credential.Mechanism);
            writer.WriteInt32(credential.Iterations);
            writer.WriteTags();
        }
        writer.WriteTags();
    }
}
