namespace EventStream.Traffic.Dns;

/// <summary>Host names in DNS: dots between labels, lower case, ASCII.</summary>
internal static class DnsNames
{
    // Well below the protocol's 255, so that every answer of ours fits into 512 bytes.
    private const int LengthMax = 100;
    private const int LabelLengthMax = 63;

    public static bool IsHostName(string name) => name.Length is > 0 and <= LengthMax && name.Split('.').All(IsLabel);

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= LabelLengthMax
        && label[0] != '-'
        && label[^1] != '-'
        && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
