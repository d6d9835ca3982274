using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Leases;

/// <summary>Locks and elections: the keys that end in the id of their lease, as etcd's recipes create them. The oldest key holds the lock
/// or leads.</summary>
internal sealed class LocksPage(KeyReader reader, ServerBrowser server) : IPage
{
    private const int MostLeases = 20_000;

    public async Task<Answer> GetAsync(Visit visit)
    {
        KeySpace now = reader.Current;
        List<Contender> contenders = [];
        foreach (SeenLease lease in await server.LeasesAsync(MostLeases, visit.Gone))
        {
            byte[] ending = System.Text.Encoding.ASCII.GetBytes($"/{Words.Lease(lease.Id)}");
            foreach (ReadOnlyMemory<byte> key in now.KeysOfLease(lease.Id))
            {
                if (key.Span.EndsWith(ending) && visit.Visitor.MayRead(Ranges.One(key.ToArray())) && now.Keys.Find(key.Span) is { } record)
                {
                    contenders.Add(Of(visit, record, ending.Length, lease));
                }
            }
        }

        return new PageAnswer("Locks and elections", typeof(LocksView), new LocksModel([
            .. contenders.GroupBy(contender => KeyText.Of(contender.Name))
                .Select(group => new Contest(group.First().Name, [.. group.OrderBy(contender => contender.CreateRevision)]))
                .OrderBy(contest => KeyText.Of(contest.Name), StringComparer.Ordinal),
        ]));
    }

    private static Contender Of(Visit visit, KeyRecord record, int ending, SeenLease lease)
    {
        byte[] key = record.Key.ToArray();
        return new Contender(key[..^ending], key, visit.Masks.Hide(key) ? [] : record.Value.ToArray(), record.CreateRevision, lease);
    }
}

/// <summary>The model of the locks page.</summary>
public sealed record LocksModel(IReadOnlyList<Contest> Contests);

/// <summary>A lock or an election.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Contenders">The holder, then the waiting ones in order.</param>
public sealed record Contest(byte[] Name, IReadOnlyList<Contender> Contenders);

/// <summary>The holder, or a waiting one.</summary>
/// <param name="Value">The value that a candidate proclaims; empty for a lock.</param>
public sealed record Contender(byte[] Name, byte[] Key, byte[] Value, long CreateRevision, SeenLease Lease);
