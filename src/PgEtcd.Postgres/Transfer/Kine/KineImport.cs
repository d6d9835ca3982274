using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.Transfer.Kine;

/// <summary>Copies a <see cref="KineTable"/> into an empty schema: all of it or nothing.</summary>
/// <param name="table">The source.</param>
/// <param name="import">The target.</param>
public sealed class KineImport(KineTable table, LogImport import)
{
    private readonly HashSet<long> _leases = [];
    private Crc32C _expected = HashReader.Begin();

    /// <summary>The number of leases with live keys, one for each TTL that kine has stored.</summary>
    public int Leases => _leases.Count;

    /// <summary>HashKV at the end, of kine's rows and of the store.</summary>
    public uint Hash => _expected.Value;

    /// <summary>The first step: the changes.</summary>
    /// <param name="report">Called with the number of rows so far.</param>
    /// <exception cref="DatabaseStartException">A row is not a possible change in etcd.</exception>
    public async Task<long> CopyAsync(Action<long> report, CancellationToken cancellationToken)
    {
        long rows = 0;
        await foreach ((LogRow row, bool isNewest) in table.RowsAsync(cancellationToken))
        {
            if (row.Revision < 1 || row.Key.Length == 0)
            {
                string what = row.Key.Length == 0 ? $"the row with id {row.Revision} has no name" : $"a row has the id {row.Revision}";
                throw new DatabaseStartException($"--from: {what}: nothing was imported.");
            }

            await import.AddAsync(row, cancellationToken);
            bool isLive = isNewest && row.Value is not null;
            if (isLive && row.Lease != 0)
            {
                _leases.Add(row.Lease);
            }

            // HashKV leaves out superseded changes, up to the mark (semantics.md §10.1).
            if (row.Revision > table.Counts.CompactRevision || isLive || (table.Counts.Keys == 0 && row.Value is not null))
            {
                HashReader.Add(ref _expected, row);
            }

            report(++rows);
        }

        return rows;
    }

    /// <summary>The second step: marks and leases, then HashKV of the resulting store.</summary>
    /// <returns>Whether that hash equals the one of kine's rows.</returns>
    public async Task<bool> CheckAsync(Action<long> report, CancellationToken cancellationToken)
    {
        (long, long)[] leases = [.. _leases.Select(lease => (lease, KineTable.TtlOf(lease)))];
        await import.FinishAsync(table.Counts.Revision, table.Counts.CompactRevision, leases, auth: null, cancellationToken);
        long rows = 0;
        return await import.HashAsync(() => report(++rows), cancellationToken) == Hash;
    }
}
