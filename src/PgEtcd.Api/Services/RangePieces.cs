using Grpc.Core;
using PgEtcd.Mvcc;

namespace PgEtcd.Api.Services;

/// <summary>Cuts a Range into the pieces of a RangeStream (semantics.md §2): all of the revision of the first, small at
/// first and then near the size of a request; only the last has a header, <c>more</c> and <c>count</c>.</summary>
internal static class RangePieces
{
    private const int FirstPiece = 10;

    /// <exception cref="RpcException">The order or a filter is one that streams do not have.</exception>
    public static void CheckSupported(RangeOperation operation)
    {
        if (operation.SortOrder == SortOrder.Descend
            || (operation.SortOrder != SortOrder.None && operation.SortTarget != SortTarget.Key))
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, "RangeStream does not support custom sort orders"));
        }

        if (operation.HasFilter)
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, "RangeStream does not support revision filters"));
        }
    }

    /// <summary>The pieces, in order. A revision of 0 marks one without a header.</summary>
    /// <remarks>Each piece is a Range of its own that begins behind the last key of the one before. With a sort target and
    /// no sort order that key is the last as sorted, so keys may come twice or not at all: as from etcd.</remarks>
    /// <param name="state">Holds the range as it was at the revision asked for.</param>
    /// <param name="headerRevision">Of the last piece.</param>
    /// <param name="operation">The range.</param>
    /// <param name="targetBytes">How big a piece should be.</param>
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
                : new RangeResult(0, piece.Records, 0, more: false, piece.KeysOnly);
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
