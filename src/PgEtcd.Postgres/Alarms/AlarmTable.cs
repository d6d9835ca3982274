using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Alarms;

/// <summary>The alarms that are raised (migrations/0007_alarms.sql).</summary>
public sealed class AlarmTable(Database database)
{
    /// <summary>All of them, by member and kind.</summary>
    public async Task<IReadOnlyList<Alarm>> ListAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command("select member_id, kind from pgetcd.alarms order by member_id, kind");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Alarm> alarms = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            alarms.Add(new Alarm(reader.GetInt64(0), reader.GetInt32(1)));
        }

        return alarms;
    }

    /// <summary>Raises or clears an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    /// <param name="raised">Whether it shall be raised.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the change.</param>
    /// <returns>Whether that changed anything.</returns>
    public async Task<bool> SetAsync(Alarm alarm, bool raised, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command("select pgetcd.set_alarm($1, $2, $3)");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = alarm.MemberId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = alarm.Kind });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = raised });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}

/// <summary>An alarm of a member.</summary>
/// <param name="MemberId">The member id, its 64 bits as a signed number; whichever the client named.</param>
/// <param name="Kind">As on the wire: 1 NOSPACE, 2 CORRUPT; others are kept and mean nothing.</param>
public sealed record Alarm(long MemberId, int Kind)
{
    /// <summary>NOSPACE.</summary>
    public const int NoSpace = 1;

    /// <summary>CORRUPT.</summary>
    public const int Corrupt = 2;
}

/// <summary>Which kinds of alarms are raised, by whichever member (semantics.md §10).</summary>
[Flags]
public enum AlarmKinds
{
    /// <summary>None is.</summary>
    None = 0,

    /// <summary>What adds data is refused.</summary>
    NoSpace = 1,

    /// <summary>Every change is refused.</summary>
    Corrupt = 2,

    /// <summary>A kind that means nothing to us.</summary>
    Other = 4,
}

/// <summary>A change was refused because of an alarm.</summary>
/// <param name="alarms">What is raised.</param>
public sealed class AlarmRaisedException(AlarmKinds alarms) : Exception($"The alarm {alarms} is raised.")
{
    /// <summary>What is raised.</summary>
    public AlarmKinds Alarms { get; } = alarms;
}
