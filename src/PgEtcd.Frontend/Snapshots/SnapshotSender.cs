using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Frontend.Snapshots;

/// <summary>Maintenance.Snapshot (semantics.md §10): the file in blobs of 32 KiB, then its checksum in a message of its own.</summary>
/// <param name="database">The store.</param>
/// <param name="timeLimit">How long to wait until the database answers at all.</param>
public sealed class SnapshotSender(Database database, TimeSpan timeLimit)
{
    private const int BlobLength = 32 * 1024;

    /// <summary>The version of the format, as reported by the etcd version that PgEtcd matches.</summary>
    private const string StorageVersion = "3.6.0";

    /// <summary>Sends the store as it is now.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer.</exception>
    public async Task SendAsync(IServerStreamWriter<SnapshotResponse> responses, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            await database.InTimeAsync(timeLimit, async cancel => await ReachAsync(cancel));
            await using SnapshotSource source = await SnapshotSource.OpenAsync(database, cancellationToken);
            long remaining = source.Length;
            byte[] blob = new byte[BlobLength];
            int filled = 0;
            byte[] hash = await source.WriteAsync(CutAsync, cancellationToken);
            if (filled > 0)
            {
                await SendBlobAsync();
            }

            await responses.WriteAsync(
                new SnapshotResponse { Blob = ByteString.CopyFrom(hash), Version = StorageVersion }, cancellationToken);
            MaintenanceMetrics.SnapshotSeconds.RecordSince(started);

            async ValueTask CutAsync(ReadOnlyMemory<byte> piece)
            {
                while (piece.Length > 0)
                {
                    int taken = Math.Min(piece.Length, BlobLength - filled);
                    piece[..taken].CopyTo(blob.AsMemory(filled));
                    piece = piece[taken..];
                    filled += taken;
                    if (filled == BlobLength)
                    {
                        await SendBlobAsync();
                    }
                }
            }

            async ValueTask SendBlobAsync()
            {
                remaining -= filled;
                // The message is encoded before WriteAsync returns, so the buffer may be used again.
                ByteString bytes = UnsafeByteOperations.UnsafeWrap(blob.AsMemory(0, filled));
                filled = 0;
                await responses.WriteAsync(
                    new SnapshotResponse { RemainingBytes = (ulong)remaining, Blob = bytes, Version = StorageVersion }, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is not StoreUnavailableException and not OperationCanceledException
            && DatabaseErrors.IsTransient(exception))
        {
            throw new StoreUnavailableException(exception);
        }
    }

    /// <summary>Waits for the database, because a stream that has begun cannot be repeated.</summary>
    private async Task<bool> ReachAsync(CancellationToken cancellationToken)
    {
        await database.PingAsync(cancellationToken);
        return true;
    }
}
