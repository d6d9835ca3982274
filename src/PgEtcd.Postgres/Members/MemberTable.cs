using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Members;

/// <summary>The live frontends, and the leadership that one of them holds (design §7, §10). All times are the database's.</summary>
public sealed class MemberTable(Database database)
{
    /// <summary>Time for which a beat makes a frontend the leader: <c>leader_limit</c> in functions/constants.sql.</summary>
    public static readonly TimeSpan LeadershipLimit = TimeSpan.FromSeconds(2);

    private const string BeatSql = """
        select joined, held_at, leads, id, name, client_urls, peer_urls, is_leader from pgetcd.beat($1, $2, $3, $4, $5, $6)
        """;

    private const string ListSql = """
        select m.id, m.name, m.client_urls, m.peer_urls, m.run = l.holder and l.expires_at > clock_timestamp()
        from pgetcd.members m cross join pgetcd.leader l where m.heartbeat_at > clock_timestamp() - pgetcd.member_limit()
        """;

    private const string HandOverSql = "select pgetcd.hand_over($1, $2)";

    private const string LeaveSql = "select pgetcd.leave($1)";

    private const string TakenOverSql = """
        select exists (
            select from pgetcd.leader l join pgetcd.members m on m.run = l.holder where m.id = $1 and l.ticked_at > $2)
        """;

    private const string RemoveDeadSql = "select is_known, is_removed from pgetcd.remove_dead($1)";

    /// <summary>In one round trip, reports that a frontend is alive, takes or renews the leadership if that is free or its own, and returns
    /// the live members. A member whose id another run holds is not registered.</summary>
    /// <param name="member">The frontend.</param>
    /// <param name="run">Distinguishes this process from all others, including an earlier one of the same name.</param>
    /// <param name="revision">The revision of the frontend's state.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Beat> BeatAsync(Member member, string run, long revision, CancellationToken cancellationToken)
    {
        (bool joined, DateTime heldAt, bool leads) = (false, default, false);
        List<Member> alive = [];
        NpgsqlCommand command = database.Command(
            BeatSql, member.Id, run, member.Name, (string[])[.. member.ClientUrls], (string[])[.. member.PeerUrls], revision);
        await command.EachAsync(
            reader =>
            {
                (joined, heldAt, leads) = (reader.GetBoolean(0), reader.GetDateTime(1), reader.GetBoolean(2));
                if (!reader.IsDBNull(3))
                {
                    alive.Add(Read(reader, 3));
                }
            },
            cancellationToken);
        return new Beat(joined, heldAt, leads, alive);
    }

    /// <summary>The live frontends.</summary>
    public async Task<IReadOnlyList<Member>> ListAsync(CancellationToken cancellationToken) =>
        await database.Command(ListSql).ListAsync(static reader => Read(reader, 0), cancellationToken);

    /// <summary>Removes a frontend from the list and gives up its leadership, at once.</summary>
    /// <param name="run">Its run.</param>
    public Task LeaveAsync(string run, CancellationToken cancellationToken) => database.Command(LeaveSql, run).RunAsync(cancellationToken);

    /// <summary>Hands the leadership over.</summary>
    /// <param name="run">The run that leads.</param>
    /// <param name="target">The member that is to lead.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the handover.</param>
    /// <returns>The time of the handover; null if the run does not lead or the member is not alive.</returns>
    public async Task<DateTime?> HandOverAsync(string run, long target, CancellationToken cancellationToken) =>
        await database.Command(HandOverSql, run, target).ScalarAsync(cancellationToken) as DateTime?;

    /// <summary>Whether a member has noticed that it leads.</summary>
    /// <param name="target">The member.</param>
    /// <param name="since">The time of the handover.</param>
    public async Task<bool> HasTakenOverAsync(long target, DateTime since, CancellationToken cancellationToken) =>
        await database.Command(TakenOverSql, target, since).ScalarAsync(cancellationToken) is true;

    /// <summary>Removes a dead member from the list.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>Whether the member was on the list, and whether it was removed; a live member is not removed.</returns>
    public Task<(bool IsKnown, bool IsRemoved)> RemoveDeadAsync(long id, CancellationToken cancellationToken) =>
        database.Command(RemoveDeadSql, id).FirstAsync<(bool, bool)>(cancellationToken);

    private static Member Read(NpgsqlDataReader reader, int first) => new(
        reader.GetInt64(first),
        reader.GetString(first + 1),
        reader.GetFieldValue<string[]>(first + 2),
        reader.GetFieldValue<string[]>(first + 3))
    {
        IsLeader = !reader.IsDBNull(first + 4) && reader.GetBoolean(first + 4),
    };
}

/// <summary>A frontend, as MemberList shows it.</summary>
/// <param name="Id">The 64 bits of the member id as a signed number.</param>
/// <param name="Name">Its name.</param>
/// <param name="ClientUrls">Its URLs for clients.</param>
/// <param name="PeerUrls">Its configured peer URLs.</param>
public sealed record Member(long Id, string Name, IReadOnlyList<string> ClientUrls, IReadOnlyList<string> PeerUrls)
{
    /// <summary>Whether it runs the jobs.</summary>
    public bool IsLeader { get; init; }
}

/// <summary>The result of a beat.</summary>
/// <param name="Joined">Whether the member is registered. False: another run holds its id.</param>
/// <param name="HeldAt">The last beat of the run that holds the id; a change of it shows that the run is alive.</param>
/// <param name="Leads">Whether the frontend is the leader from now on for <see cref="MemberTable.LeadershipLimit"/>.</param>
/// <param name="Alive">The live frontends, in no order.</param>
public sealed record Beat(bool Joined, DateTime HeldAt, bool Leads, IReadOnlyList<Member> Alive);
