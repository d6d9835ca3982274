using System.Globalization;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Leases;

/// <summary>The leases whose keys the visitor may all read, with these keys.</summary>
internal sealed class LeasesPage(KeyReader reader, ServerBrowser server) : IPage
{
    private const int Most = 500;

    public async Task<Answer> GetAsync(Visit visit)
    {
        bool isOne = long.TryParse(visit.Text("id"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long id);
        List<SeenLease> leases = !isOne ? await server.LeasesAsync(Most, visit.Gone)
            : await server.LeaseAsync(id, visit.Gone) is { } found ? [found]
            : [];
        KeySpace now = reader.Current;
        List<LeaseRow> rows = [];
        foreach (SeenLease lease in leases)
        {
            IReadOnlyList<ReadOnlyMemory<byte>> keys = now.KeysOfLease(lease.Id);
            if (Frontend.Permissions.Access.CheckReadOf(visit.Visitor.Caller, keys) is null)
            {
                rows.Add(new LeaseRow(lease, keys.Count, [.. keys.Take(isOne ? Most : LeaseRow.MostNamed).Select(key => key.ToArray())]));
            }
        }

        long all = isOne || !visit.Visitor.IsRoot ? rows.Count : await server.CountLeasesAsync(visit.Gone);
        return new PageAnswer("Leases", typeof(LeasesView), new LeasesModel(rows, all, isOne ? Words.Lease(id) : null));
    }
}

/// <summary>The model of the leases page.</summary>
/// <param name="Rows">The leases, in order of expiry.</param>
/// <param name="All">The number of leases in all.</param>
/// <param name="Id">The id of the only lease shown; null for all.</param>
public sealed record LeasesModel(IReadOnlyList<LeaseRow> Rows, long All, string? Id);

/// <summary>A lease, the number of its keys, and the first of them.</summary>
public sealed record LeaseRow(SeenLease Lease, int Count, IReadOnlyList<byte[]> Keys)
{
    /// <summary>The most keys named in a row.</summary>
    public const int MostNamed = 5;
}
