using System.Runtime.CompilerServices;
using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Api.Locks;

/// <summary>Follows an election (semantics.md §12, Observe) by watching all candidates. etcd watches only the leader and looks for the
/// next when the key is gone; watching all shows short leaderships too, and each leader once.</summary>
internal sealed class LeaderChanges(RecipeClient client, WatchHub hub)
{
    /// <summary>The current leader with its revision, each change of its value, and each later leader; never ends by itself.</summary>
    internal async IAsyncEnumerable<(long Revision, KeyRecord Leader)> ReadAsync(
        Contest contest, ServerCallContext context, [EnumeratorCancellation] CancellationToken ended)
    {
        KeyRecord? told = null;
        while (true)
        {
            RangeResult all = await client.RangeAsync(contest.All, context);
            Candidates candidates = new(all.Records);
            if (IsNews(candidates.Leader, told))
            {
                told = candidates.Leader;
                yield return (all.Revision, told!);
            }

            WatchTarget target = new(
                new KeyRange(contest.Start.Memory, contest.End.Memory), all.Revision + 1,
                NoPut: false, NoDelete: false, PreviousValue: false, ProgressNotify: false, Fragment: false);
            await foreach (WatchUpdate reply in hub.WatchAsync(target, ended))
            {
                if (reply.Canceled)
                {
                    break; // compacted before it was delivered: that history is lost, so read the current state again
                }

                for (int i = 0; i < reply.Events.Count; i++)
                {
                    long revision = reply.Events[i].Revision;
                    candidates.Apply(reply.Events[i]);
                    // The leader is known only after all events of a revision.
                    bool isWhole = i + 1 == reply.Events.Count || reply.Events[i + 1].Revision != revision;
                    if (isWhole && IsNews(candidates.Leader, told))
                    {
                        told = candidates.Leader;
                        yield return (revision, told!);
                    }
                }
            }
        }
    }

    private static bool IsNews(KeyRecord? leader, KeyRecord? told) =>
        leader is not null && (told is null || leader.ModRevision != told.ModRevision || !leader.Key.SequenceEqual(told.Key));
}
