using System.Globalization;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Leases;

/// <summary>The leases with their keys, as far as all of a lease's keys may be read.</summary>
internal sealed class LeasesPage(KeyReader reader, ServerBrowser server) : IPage
{
    private const int Most = 500;

    public async Task<Answer> GetAsync(Visit visit)
    {
        List<SeenLease> leases;
        bool isOne = long.TryParse(visit.Text("id"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long id);
        if (isOne)
        {
            leases = await server.LeaseAsync(id, visit.Gone) is { } found ? [found] : [];
        }
        else
        {
            leases = await server.LeasesAsync(Most, visit.Gone);
        }

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

/// <summary>What the page of leases shows.</summary>
/// <param name="Rows">The leases, the soonest to expire first.</param>
/// <param name="All">How many there are.</param>
/// <param name="Id">The only one that was asked for; null: all were.</param>
public sealed record LeasesModel(IReadOnlyList<LeaseRow> Rows, long All, string? Id);

/// <summary>A lease, the number of its keys, and the first of them.</summary>
public sealed record LeaseRow(SeenLease Lease, int Count, IReadOnlyList<byte[]> Keys)
{
    /// <summary>Keys that are named in a list of leases.</summary>
    public const int MostNamed = 5;
}
