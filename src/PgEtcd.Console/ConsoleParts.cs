using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Console;

/// <summary>The parts of a frontend that the console uses.</summary>
public sealed record ConsoleParts
{
    /// <summary>Gives past states.</summary>
    public required Database Database { get; init; }

    /// <summary>Gives the present state.</summary>
    public required KeyReader Reader { get; init; }

    /// <summary>Changes keys.</summary>
    public required KeyWriter Writer { get; init; }

    /// <summary>Users, roles and permissions.</summary>
    public required AuthStates Users { get; init; }

    /// <summary>The read barrier.</summary>
    public required Tail Tail { get; init; }

    /// <summary>Logs users in.</summary>
    public required FrontendAuth Auth { get; init; }

    /// <summary>The storage quota.</summary>
    public required Quota Quota { get; init; }

    /// <summary>Alarms.</summary>
    public required Alarms Alarms { get; init; }

    /// <summary>This frontend's name in the history.</summary>
    public required string Run { get; init; }

    /// <summary>Formats a client's address as the log and the API do.</summary>
    public required Func<ConnectionInfo, string> Peer { get; init; }

    /// <summary>Reads the counters behind the charts. Must not block.</summary>
    public required Func<CounterReading> Counters { get; init; }

    /// <summary>Cancelled when the server begins to stop; streams then end.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>Makes the console's logger.</summary>
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>Counters of this frontend since it started.</summary>
/// <param name="Puts">Keys put.</param>
/// <param name="Deletes">Keys deleted.</param>
/// <param name="Ranges">Ranges read.</param>
/// <param name="Events">Events sent to watchers.</param>
/// <param name="CommitSeconds">Total time of committing batches, seconds.</param>
/// <param name="Commits">Batches committed.</param>
public readonly record struct CounterReading(
    double Puts, double Deletes, double Ranges, double Events, double CommitSeconds, double Commits);
