using System.Diagnostics;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>The origin of a write: its evaluation checks the caller's permissions, and the log's audit columns name the caller.</summary>
/// <param name="Caller">The caller as admitted, or <see cref="Caller.Server"/>.</param>
/// <param name="Client">The client's address.</param>
public readonly record struct Origin(Caller Caller, string? Client)
{
    /// <summary>The frontend by itself.</summary>
    public static Origin Server => new(Caller.Server, null);
}

/// <summary>The answer to a write: an error that changed nothing, or a result.</summary>
/// <param name="Error">Null, or why nothing was done.</param>
/// <param name="Result">The result, when there is no error.</param>
/// <param name="Retry">Why the write should be made again, if it should.</param>
public readonly record struct WriteAnswer(EtcdError? Error, OperationResult? Result, WriteRetry Retry = WriteRetry.None);

/// <summary>Why a write that changed nothing should be made again.</summary>
public enum WriteRetry
{
    None,

    /// <summary>Users, roles or permissions have changed since the caller was admitted: admit it again. The error is for a
    /// client whose tries are used up.</summary>
    AuthMoved,

    /// <summary>It reads an older state that is not in memory: <see cref="KeyWriter"/> fetches it. There is no error.</summary>
    HistoryNeeded,
}

/// <summary>A write on its way through the committer. Its awaiter goes on inside <see cref="Answers"/>.</summary>
/// <param name="operation">What to do.</param>
/// <param name="size">Its size on the wire, bytes.</param>
/// <param name="history">Where it reads older revisions.</param>
/// <param name="origin">The origin of the request.</param>
/// <param name="enqueued">When, on the committer's clock.</param>
internal sealed class PendingWrite(Operation operation, int size, IHistory history, Origin origin, long enqueued)
    : TaskCompletionSource<WriteAnswer>
{
    /// <summary>The span of the call, when traces are wanted.</summary>
    public Activity? Span { get; } = Spans.Caller;

    public Operation Operation => operation;

    public int Size => size;

    public IHistory History => history;

    public Origin Origin => origin;

    public long Enqueued => enqueued;

    /// <summary>What the last evaluation gave; the answer once the batch is committed.</summary>
    public WriteAnswer Answer { get; set; }

    /// <summary>What the last evaluation threw: it changed nothing, and ends this write and no other.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Answers it: the batch is committed.</summary>
    public void Complete()
    {
        if (Failure is { } failure)
        {
            TrySetException(failure);
        }
        else
        {
            TrySetResult(Answer);
        }
    }
}
