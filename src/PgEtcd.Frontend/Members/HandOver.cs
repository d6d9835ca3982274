using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Members;

namespace PgEtcd.Frontend.Members;

/// <summary>MoveLeader: hands the leadership to another frontend and waits until that has taken it.</summary>
public sealed class HandOver(Leadership leadership, Database database, TimeProvider clock, TimeSpan timeLimit)
{
    /// <summary>How often to look whether the other has taken over: it finds out with its next beat.</summary>
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly MemberTable _table = new(database);

    /// <summary>Hands it over.</summary>
    /// <param name="target">The member id of who shall lead.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<HandOverOutcome> ToAsync(long target)
    {
        if (!leadership.IsLeader)
        {
            return HandOverOutcome.NotLeader;
        }

        if (target == leadership.Self.Id)
        {
            return HandOverOutcome.Done;
        }

        // Asked before we give it up, which ends our jobs.
        if (!(await leadership.ListAsync(timeLimit)).Any(member => member.Id == target)
            || await leadership.GiveAsync(target, timeLimit) is not { } givenAt)
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

        await leadership.ListAsync(timeLimit); // so that Status shows it at once
        return HandOverOutcome.Done;
    }
}

/// <summary>What became of a wish that another frontend shall lead.</summary>
public enum HandOverOutcome
{
    /// <summary>It leads.</summary>
    Done,

    /// <summary>The leadership is not ours to give.</summary>
    NotLeader,

    /// <summary>No such frontend is alive.</summary>
    NoSuchMember,

    /// <summary>It was given the leadership and has not taken it in time; whoever comes first takes it.</summary>
    NotTaken,
}
