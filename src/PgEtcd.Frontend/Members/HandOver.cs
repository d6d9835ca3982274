using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Members;

namespace PgEtcd.Frontend.Members;

/// <summary>MoveLeader: hands the leadership to another frontend and waits until that one has taken it.</summary>
public sealed class HandOver(Membership membership, Leader leader, Database database, TimeProvider clock, TimeSpan timeLimit)
{
    /// <summary>How often to look whether the other frontend has taken over: it finds out with its next heartbeat.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly MemberTable _table = new(database);

    /// <summary>Hands it over.</summary>
    /// <param name="target">The member id of the next leader.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<HandOverOutcome> ToAsync(long target)
    {
        if (!leader.IsLeader)
        {
            return HandOverOutcome.NotLeader;
        }

        if (target == membership.Self.Id)
        {
            return HandOverOutcome.Done;
        }

        // Asked before the leadership is given up, which ends our jobs.
        if (!(await membership.ListAsync(timeLimit)).Any(member => member.Id == target)
            || await membership.BetweenBeatsAsync(() => GiveAsync(target)) is not { } givenAt)
        {
            return HandOverOutcome.NoSuchMember;
        }

        long started = clock.GetTimestamp();
        while (!await database.InTimeAsync(timeLimit, cancel => _table.HasTakenOverAsync(target, givenAt, cancel)))
        {
            if (clock.GetElapsedTime(started) > MemberTable.LeadershipLimit)
            {
                return HandOverOutcome.NotTaken;
            }

            await Task.Delay(Poll, clock);
        }

        await membership.ListAsync(timeLimit); // so that Status shows it at once
        return HandOverOutcome.Done;
    }

    /// <returns>When it was given; null if the member is not alive or this frontend no longer led.</returns>
    private Task<DateTime?> GiveAsync(long target)
    {
        leader.Lose();
        return database.InTimeAsync(timeLimit, cancel => _table.HandOverAsync(membership.Run, target, cancel));
    }
}

/// <summary>The outcome of a hand-over.</summary>
public enum HandOverOutcome
{
    /// <summary>It leads.</summary>
    Done,

    /// <summary>The leadership is not ours to give.</summary>
    NotLeader,

    /// <summary>No such frontend is alive.</summary>
    NoSuchMember,

    /// <summary>It was given the leadership and has not taken it in time; the next heartbeat of any frontend takes it.</summary>
    NotTaken,
}
