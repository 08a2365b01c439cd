using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Streams;

/// <summary>
/// What the library says of itself, from warnings up: it logs each step of each record. The library keeps one logger
/// for the whole process, also when the stream that gave it has ended, so this one lasts and writes to the log of the
/// stream that started last.
/// </summary>
internal sealed class LibraryLog : ILoggerFactory, ILogger
{
    public static readonly LibraryLog Shared = new();

    private volatile ILogger target = NullLogger.Instance;

    private LibraryLog() { }

    public static void WriteTo(ILogger logger) => Shared.target = logger;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) { }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && target.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (IsEnabled(logLevel))
            target.Log(logLevel, eventId, state, exception, formatter);
    }

    public void Dispose() { }
}
