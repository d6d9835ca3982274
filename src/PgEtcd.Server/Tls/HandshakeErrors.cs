using System.Security.Authentication;

namespace PgEtcd.Server.Tls;

/// <summary>
/// Learns why a handshake failed. Kestrel says it nowhere but in its log, at the level debug and without the client's address; there it
/// is caught, on the task of the connection that it is about.
/// </summary>
internal sealed class HandshakeErrors : ILoggerProvider
{
    /// <summary>Where Kestrel says it.</summary>
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Https";

    private static readonly AsyncLocal<Handshake?> OfThisTask = new();

    /// <summary>Begins a handshake on this task.</summary>
    public static Handshake Begin() => OfThisTask.Value = new Handshake();

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Listener();

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class Listener : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (OfThisTask.Value is { IsDone: false } handshake)
            {
                handshake.Said = exception is null ? formatter(state, null) : Innermost(exception);
            }
        }

        private static string? Innermost(Exception exception) =>
            exception is IOException ? null // the client has gone
            : (exception is AuthenticationException ? exception.GetBaseException() : exception).Message.Split('\n')[0];
    }
}

/// <summary>One handshake.</summary>
internal sealed class Handshake
{
    /// <summary>It succeeded.</summary>
    public bool IsDone { get; set; }

    /// <summary>Why we refused the client.</summary>
    public string? Refusal { get; set; }

    /// <summary>What Kestrel said; null if the client went away.</summary>
    public string? Said { get; set; }
}
