using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace EventStream.Hosting;

/// <summary>Logs one line a message on standard error: time, level, role, category, text, then the exception.</summary>
public sealed class LineLoggerProvider(string role) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) =>
        new LineLogger(role, categoryName[(categoryName.LastIndexOf('.') + 1)..]);

    public void Dispose() { }

    private sealed class LineLogger(string role, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            var now = DateTimeOffset.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
            var line = new StringBuilder($"{now} {Word(logLevel)} {role} {category}: {formatter(state, exception)}");
            if (exception is not null)
                line.AppendLine().Append(exception);
            System.Console.Error.WriteLine(line.ToString());
        }

        private static string Word(LogLevel level) =>
            level switch
            {
                LogLevel.Trace => "trace",
                LogLevel.Debug => "debug",
                LogLevel.Information => "info ",
                LogLevel.Warning => "warn ",
                LogLevel.Error => "error",
                _ => "fatal",
            };
    }
}
