using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Members;

namespace PgEtcd.Frontend.Members;

/// <summary>MoveLeader: hands the leadership to another frontend and waits until that one has taken it.</summary>
public sealed class HandOver(Membership membership, Leader leader, Database database, TimeProvider clock, TimeSpan timeLimit)
{
    /// <summary>Interval of checking whether the other frontend has taken over, which happens with its next heartbeat.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly MemberTable _table = new(database);

    /// <summary>Hands the leadership over.</summary>
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

        // Checked before the leadership is given up, because giving it up ends our jobs.
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

        await membership.ListAsync(timeLimit); // so that Status shows the new leader at once
        return HandOverOutcome.Done;
    }

    /// <returns>When the leadership was given; null if the member is not alive or this frontend no longer led.</returns>
    private Task<DateTime?> GiveAsync(long target)
    {
        leader.Lose();
        return database.InTimeAsync(timeLimit, cancel => _table.HandOverAsync(membership.Run, target, cancel));
    }
}

/// <summary>The outcome of a hand-over.</summary>
public enum HandOverOutcome
{
    /// <summary>The target leads.</summary>
    Done,

    /// <summary>This frontend does not lead.</summary>
    NotLeader,

    /// <summary>No such frontend is alive.</summary>
    NoSuchMember,

    /// <summary>The target was given the leadership but did not take it in time; the next heartbeat of any frontend takes it.</summary>
    NotTaken,
}
