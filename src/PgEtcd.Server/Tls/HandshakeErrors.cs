using System.Security.Authentication;

namespace PgEtcd.Server.Tls;

/// <summary>
/// Finds the reason of a failed handshake. Kestrel reports it only in its log, at the level debug and without the client's address;
/// the log entry is caught here, on the task of its connection.
/// </summary>
internal sealed class HandshakeErrors : ILoggerProvider, ILogger
{
    /// <summary>Kestrel's category for it.</summary>
    public const string Category = "Microsoft.AspNetCore.Server.Kestrel.Https";

    private static readonly AsyncLocal<Handshake?> OfThisTask = new();

    /// <summary>Begins a handshake on this task.</summary>
    public static Handshake Begin() => OfThisTask.Value = new Handshake();

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    /// <inheritdoc/>
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

/// <summary>One handshake.</summary>
internal sealed class Handshake
{
    /// <summary>Whether it succeeded.</summary>
    public bool IsDone { get; set; }

    /// <summary>Why the server refused the client; null if it did not.</summary>
    public string? Refusal { get; set; }

    /// <summary>Kestrel's message; null if the client went away.</summary>
    public string? Said { get; set; }
}
