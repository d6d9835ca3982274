using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;

namespace PgEtcd.Frontend.Writing;

/// <summary>Hands writes of keys to the committer, and fetches the older revisions that a Txn reads.</summary>
public sealed class KeyWriter(Replica replica, Committer committer, Past past)
{
    /// <summary>Commits a Put, DeleteRange or Txn.</summary>
    /// <param name="operation">The operation, checked.</param>
    /// <param name="size">Its size on the wire, bytes.</param>
    /// <param name="origin">The origin of the request.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<WriteAnswer> WriteAsync(Operation operation, int size, Origin origin) =>
        operation is TxnOperation txn ? WriteTxnAsync(txn, size, origin) : committer.WriteAsync(operation, size, replica, origin);

    private async Task<WriteAnswer> WriteTxnAsync(TxnOperation operation, int size, Origin origin)
    {
        IHistory history = replica;
        while (true)
        {
            WriteAnswer answer = await committer.WriteAsync(operation, size, history, origin);
            if (answer.Retry != WriteRetry.HistoryNeeded)
            {
                return answer;
            }

            history = await past.FetchAsync(operation);
        }
    }
}
