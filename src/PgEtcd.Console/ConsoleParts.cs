using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Console;

/// <summary>The parts of a frontend that the console uses.</summary>
/// <param name="Database">Gives past states.</param>
/// <param name="Reader">Gives the present state.</param>
/// <param name="Writer">Changes keys.</param>
/// <param name="Tail">The read barrier.</param>
/// <param name="Auth">Logs users in, and has the users, roles and permissions.</param>
/// <param name="Quota">The storage quota.</param>
/// <param name="Alarms">Alarms.</param>
/// <param name="Run">This frontend's name in the history.</param>
/// <param name="Peer">Formats a client's address as the log and the API do.</param>
/// <param name="Counters">Reads the counters behind the charts. Must not block.</param>
/// <param name="Loggers">Makes the console's logger.</param>
/// <param name="Stopping">Cancelled when the server begins to stop; streams then end.</param>
public sealed record ConsoleParts(
    Database Database, KeyReader Reader, KeyWriter Writer, Tail Tail, FrontendAuth Auth, Quota Quota, Alarms Alarms, string Run,
    Func<ConnectionInfo, string> Peer, Func<CounterReading> Counters, ILoggerFactory Loggers, CancellationToken Stopping);

/// <summary>Counters of this frontend since it started.</summary>
/// <param name="Puts">Keys put.</param>
/// <param name="Deletes">Keys deleted.</param>
/// <param name="Ranges">Ranges read.</param>
/// <param name="Events">Events sent to watchers.</param>
/// <param name="CommitSeconds">Total time of committing batches, seconds.</param>
/// <param name="Commits">Batches committed.</param>
public readonly record struct CounterReading(
    double Puts, double Deletes, double Ranges, double Events, double CommitSeconds, double Commits);
