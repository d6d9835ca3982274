using System.Runtime.CompilerServices;
using Grpc.Core;
using PgEtcd.Mvcc;
using PgEtcd.Server.Store;

namespace PgEtcd.Server.Services;

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
    public static async IAsyncEnumerable<RangeResult> ReadAsync(
        KeyValueStore store, RangeOperation operation, int targetBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The whole answer is references to records that are in memory anyway: pinning it costs 8 bytes a key.
        WriteAnswer answer = await store.RangeAsync(InKeyOrder(operation), cancellationToken);
        if (answer.Error != KvError.None)
        {
            throw answer.Error.ToEtcd().ToException();
        }

        RangeResult whole = (RangeResult)answer.Result!;
        int piece = FirstPiece;
        int sent = 0;
        while (whole.Records.Length - sent > piece)
        {
            KeyRecord[] records = whole.Records[sent..(sent + piece)];
            sent += piece;
            yield return new RangeResult(0, records, 0, false, whole.KeysOnly);

            long bytes = records.Sum(record => (long)(whole.KeysOnly ? record.EncodedKeysOnlyLength : record.Encoded.Length));
            piece = bytes < targetBytes / 2 ? piece * 2 : bytes > targetBytes * 2L ? Math.Max(1, piece / 2) : piece;
        }

        yield return new RangeResult(whole.Revision, whole.Records[sent..], whole.Count, whole.More, whole.KeysOnly);
    }

    /// <summary>Without a sort order the target says nothing here.</summary>
    private static RangeOperation InKeyOrder(RangeOperation operation) => new()
    {
        Key = operation.Key,
        RangeEnd = operation.RangeEnd,
        Limit = operation.Limit,
        Revision = operation.Revision,
        Serializable = operation.Serializable,
        KeysOnly = operation.KeysOnly,
        CountOnly = operation.CountOnly,
    };
}
