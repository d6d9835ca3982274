using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Console;

/// <summary>The frontend that the console shows, as its host puts it together.</summary>
public sealed record ConsoleParts
{
    /// <summary>The database, for the past.</summary>
    public required Database Database { get; init; }

    /// <summary>The present.</summary>
    public required KeyReader Reader { get; init; }

    /// <summary>Changes keys.</summary>
    public required KeyWriter Writer { get; init; }

    /// <summary>Users, roles and permissions.</summary>
    public required AuthStates Users { get; init; }

    /// <summary>The read barrier.</summary>
    public required Tail Tail { get; init; }

    /// <summary>Passwords and tokens.</summary>
    public required FrontendAuth Auth { get; init; }

    /// <summary>Room for writes.</summary>
    public required Quota Quota { get; init; }

    /// <summary>Alarms.</summary>
    public required Alarms Alarms { get; init; }

    /// <summary>This frontend's name in the history.</summary>
    public required string Run { get; init; }

    /// <summary>How the log and the API write a client's address.</summary>
    public required Func<ConnectionInfo, string> Peer { get; init; }

    /// <summary>The counters that the charts are made of: must not wait.</summary>
    public required Func<CounterReading> Counters { get; init; }

    /// <summary>Ends when the server begins to stop: streams are to end.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>Gets failures.</summary>
    public required ILoggerFactory Loggers { get; init; }
}

/// <summary>What this frontend has done since it started.</summary>
/// <param name="Puts">Keys put.</param>
/// <param name="Deletes">Keys deleted.</param>
/// <param name="Ranges">Ranges read.</param>
/// <param name="Events">Events sent to watchers.</param>
/// <param name="CommitSeconds">Seconds that batches took to commit, added up.</param>
/// <param name="Commits">Batches committed.</param>
public readonly record struct CounterReading(
    double Puts, double Deletes, double Ranges, double Events, double CommitSeconds, double Commits);
