using Grpc.Core;
using PgEtcd.Mvcc;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Services;

/// <summary>Cuts a Range into the pieces of a RangeStream (semantics.md §2). All pieces show one revision. They start small and grow to
/// about the target size; only the last has a header, <c>more</c> and <c>count</c>.</summary>
internal static class RangePieces
{
    private const int FirstPiece = 10;

    /// <exception cref="RpcException">Streams do not support the sort order or the filter.</exception>
    public static void CheckSupported(RangeOperation operation)
    {
        if (operation.SortOrder == SortOrder.Descend
            || (operation.SortOrder != SortOrder.None && operation.SortTarget != SortTarget.Key))
        {
            throw EtcdErrors.RangeStreamSorted.ToException();
        }

        if (operation.HasFilter)
        {
            throw EtcdErrors.RangeStreamFiltered.ToException();
        }
    }

    /// <summary>The pieces, in order. Revision 0 marks a piece without a header.</summary>
    /// <remarks>Each piece is a Range of its own that begins after the last key of the previous piece. With a sort target but no sort
    /// order, that key is the last in sorted order, so keys may be repeated or skipped, as in etcd.</remarks>
    /// <param name="state">The key space at the requested revision.</param>
    /// <param name="headerRevision">The revision in the header of the last piece.</param>
    /// <param name="operation">The range.</param>
    /// <param name="targetBytes">Desired size of a piece.</param>
    public static IEnumerable<RangeResult> Read(KeySpace state, long headerRevision, RangeOperation operation, int targetBytes)
    {
        ReadOnlyMemory<byte> from = operation.Key;
        long sent = 0;
        for (long limit = FirstPiece; ;)
        {
            long wanted = operation.Limit > 0 ? Math.Min(limit, operation.Limit - sent) : limit;
            RangeResult piece = state.Range(Piece(operation, from, wanted), headerRevision);
            sent += piece.Records.Length;
            bool isLast = !piece.More || sent == operation.Limit;
            yield return isLast
                ? new RangeResult(headerRevision, piece.Records, sent - piece.Records.Length + piece.Count, piece.More, piece.KeysOnly)
                : new RangeResult(0, piece.Records, 0, More: false, piece.KeysOnly);
            if (isLast)
            {
                yield break;
            }

            from = (byte[])[.. piece.Records[^1].Key, 0];
            long bytes = piece.Records.Sum(record => (long)(piece.KeysOnly ? record.EncodedKeysOnlyLength : record.Encoded.Length));
            limit = bytes < targetBytes / 2 ? limit * 2 : bytes > targetBytes * 2L ? Math.Max(1, limit / 2) : limit;
        }
    }

    private static RangeOperation Piece(RangeOperation whole, ReadOnlyMemory<byte> from, long limit) => new()
    {
        Key = from,
        RangeEnd = whole.RangeEnd,
        Limit = limit,
        SortTarget = whole.SortTarget,
        KeysOnly = whole.KeysOnly,
        CountOnly = whole.CountOnly,
    };
}
