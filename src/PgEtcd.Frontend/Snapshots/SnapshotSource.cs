using System.Buffers;
using System.Security.Cryptography;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Snapshots;
using PgEtcd.Snapshots.Bbolt;

namespace PgEtcd.Frontend.Snapshots;

/// <summary>The whole store at one revision, in the file format of etcd's snapshots (docs/decisions/0010).</summary>
public sealed class SnapshotSource : IAsyncDisposable
{
    /// <summary>Approximate bytes of a piece.</summary>
    private const int PieceLength = 64 * 1024;

    private readonly LogScan _scan;
    private readonly IReadOnlyList<SnapshotLease> _leases;
    private readonly SnapshotAuth _auth;
    private readonly BboltLayout _layout;

    private SnapshotSource(LogScan scan, IReadOnlyList<SnapshotLease> leases, SnapshotAuth auth, BboltLayout layout, long rows)
    {
        _scan = scan;
        _leases = leases;
        _auth = auth;
        _layout = layout;
        Rows = rows;
    }

    /// <summary>The revision of the snapshot.</summary>
    public long Revision => _scan.Position.Revision;

    /// <summary>Number of changes in the snapshot.</summary>
    public long Rows { get; }

    /// <summary>Number of leases in the snapshot.</summary>
    public int Leases => _leases.Count;

    /// <summary>Bytes of the image, without the checksum at its end.</summary>
    public long Length => _layout.Length;

    /// <summary>Opens a scan of the store as it is now, and measures the file.</summary>
    /// <param name="database">The store.</param>
    /// <param name="cancellationToken">Abandons the work.</param>
    public static async Task<SnapshotSource> OpenAsync(Database database, CancellationToken cancellationToken) =>
        await OpenAsync(await LogScan.OpenAsync(database, cancellationToken), cancellationToken);

    /// <summary>Measures the file of a scan.</summary>
    /// <param name="scan">The content of the file; disposed of with the source.</param>
    /// <param name="cancellationToken">Abandons the work.</param>
    public static async Task<SnapshotSource> OpenAsync(LogScan scan, CancellationToken cancellationToken)
    {
        try
        {
            List<SnapshotLease> leases = [
                .. (await scan.LeasesAsync(cancellationToken)).Select(lease => new SnapshotLease(lease.Id, lease.Ttl))];
            SnapshotAuth auth = (await scan.AuthAsync(cancellationToken)).ToSnapshot();
            SnapshotWriter measure = new();
            long rows = 0;
            await foreach ((LogRow row, int keyLength, int? valueLength) in scan.LengthsAsync(cancellationToken))
            {
                measure.Measure(ToChange(row), keyLength, valueLength);
                rows++;
            }

            return new SnapshotSource(scan, leases, auth, measure.Finish(scan.Position.CompactRevision, leases, auth), rows);
        }
        catch
        {
            await scan.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes the image, front to back.</summary>
    /// <param name="write">Receives the image piece by piece; the memory is reused after each call.</param>
    /// <param name="cancellationToken">Abandons the work.</param>
    /// <returns>The SHA-256 of the image, which is the end of the file.</returns>
    public async Task<byte[]> WriteAsync(Func<ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellationToken)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        ArrayBufferWriter<byte> pages = new(2 * PieceLength);
        SnapshotWriter writer = new(pages, _layout);
        await foreach (LogRow row in _scan.RowsAsync(cancellationToken))
        {
            writer.Add(ToChange(row));
            if (pages.WrittenCount >= PieceLength)
            {
                await FlushAsync();
            }
        }

        writer.Finish(_scan.Position.CompactRevision, _leases, _auth);
        await FlushAsync();
        return hash.GetHashAndReset();

        async ValueTask FlushAsync()
        {
            hash.AppendData(pages.WrittenSpan);
            await write(pages.WrittenMemory);
            pages.ResetWrittenCount();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _scan.DisposeAsync();

    private static SnapshotChange ToChange(in LogRow row) => new(
        row.Revision, row.Sub, row.Key, row.Value is { } value ? value : default(ReadOnlyMemory<byte>?),
        row.CreateRevision, row.Version, row.Lease);
}
