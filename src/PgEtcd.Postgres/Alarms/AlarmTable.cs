using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Alarms;

/// <summary>The alarms that are raised (functions/alarms.sql).</summary>
public sealed class AlarmTable(Database database)
{
    private const string ListSql = "select member_id, kind from pgetcd.alarms order by member_id, kind";
    private const string SetSql = "select pgetcd.set_alarm($1, $2, $3)";

    /// <summary>All raised alarms, by member and kind.</summary>
    public async Task<IReadOnlyList<Alarm>> ListAsync(CancellationToken cancellationToken) =>
        await database.Command(ListSql).ListAsync<Alarm>(cancellationToken);

    /// <summary>Raises or clears an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    /// <param name="raised">Whether to raise it.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the change.</param>
    /// <returns>Whether that changed anything.</returns>
    public async Task<bool> SetAsync(Alarm alarm, bool raised, CancellationToken cancellationToken) =>
        await database.Command(SetSql, alarm.MemberId, alarm.Kind, raised).ScalarAsync(cancellationToken) is true;
}

/// <summary>An alarm of a member.</summary>
/// <param name="MemberId">The 64 bits of the member id as a signed number; clients may name any id.</param>
/// <param name="Kind">As on the wire: 1 NOSPACE, 2 CORRUPT; others are kept without effect.</param>
public sealed record Alarm(long MemberId, int Kind)
{
    /// <summary>NOSPACE.</summary>
    public const int NoSpace = 1;

    /// <summary>CORRUPT.</summary>
    public const int Corrupt = 2;
}

/// <summary>The kinds of alarms that are raised, by any member (semantics.md §10); the bits of functions/constants.sql.</summary>
[Flags]
public enum AlarmKinds
{
    /// <summary>No alarm.</summary>
    None = 0,

    /// <summary>Changes that add data are refused.</summary>
    NoSpace = 1,

    /// <summary>Every change is refused.</summary>
    Corrupt = 2,

    /// <summary>A kind without effect.</summary>
    Other = 4,
}

/// <summary>A change was refused because of an alarm.</summary>
/// <param name="alarms">The kinds that are raised.</param>
public sealed class AlarmRaisedException(AlarmKinds alarms) : Exception($"The alarm {alarms} is raised.")
{
    /// <summary>The kinds that are raised.</summary>
    public AlarmKinds Alarms { get; } = alarms;
}
