using EventStream.EventStore.Codec;

namespace EventStream.EventStore.Postgres;

/// <summary>What became of one append: an outcome as <c>append_events</c> gives it, or an error that it met.</summary>
internal readonly record struct AppendOutcome(int Code, long Version, long Position, Exception? Error = null)
{
    public const int Appended = 0;
    public const int KnownAlready = -1;
    private const int NotDone = -2;
    private const int WrongVersion = 1;
    private const int Duplicate = 2;
    private const int Archived = 3;
    private const int Tombstoned = 4;

    public static AppendOutcome Failed(Exception error) => new(Appended, 0, 0, error);

    /// <summary>Not appended, and not said why: to be sent by itself.</summary>
    public static AppendOutcome LeftOut => new(NotDone, 0, 0);

    public bool IsLeftOut => Code == NotDone;

    public static AppendOutcome DuplicateId => new(Duplicate, 0, 0);

    /// <summary>The result, or the typed error of what refused it.</summary>
    public AppendResult Result(EncodedAppend append) => Error is not null
        ? throw Error
        : Code switch
        {
            Appended or KnownAlready => new AppendResult(Version, Position, Code == KnownAlready),
            WrongVersion => throw new WrongExpectedVersionException(append.Stream, append.Expected, Version),
            Duplicate => throw new DuplicateEventException(append.Stream),
            Archived => throw new StreamArchivedException(append.Stream),
            Tombstoned => throw new StreamTombstonedException(append.Stream),
            _ => throw new InvalidOperationException($"append_events gave the outcome {Code}."),
        };
}
