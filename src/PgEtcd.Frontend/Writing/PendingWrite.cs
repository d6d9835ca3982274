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
    /// <summary>The frontend itself.</summary>
    public static Origin Server => new(Caller.Server, null);
}

/// <summary>The answer to a write: an error that changed nothing, or a result.</summary>
/// <param name="Error">The reason why nothing was done, or null.</param>
/// <param name="Result">The result, when there is no error.</param>
/// <param name="Retry">Why the write should be made again, if it should.</param>
public readonly record struct WriteAnswer(EtcdError? Error, OperationResult? Result, WriteRetry Retry = WriteRetry.None);

/// <summary>Why a write that changed nothing should be made again.</summary>
public enum WriteRetry
{
    None,

    /// <summary>Users, roles or permissions have changed since the caller was admitted: the caller must be admitted again. The error is for
    /// a client whose retries are used up.</summary>
    AuthMoved,

    /// <summary>The write reads an older state that is not in memory; <see cref="KeyWriter"/> fetches it. There is no error.</summary>
    HistoryNeeded,
}

/// <summary>A write on its way through the committer. Its awaiter continues inside <see cref="Answers"/>.</summary>
/// <param name="operation">The operation to evaluate.</param>
/// <param name="size">Its size on the wire, bytes.</param>
/// <param name="history">The source of older revisions.</param>
/// <param name="origin">The origin of the request.</param>
/// <param name="enqueued">The time of arrival, a timestamp of the committer's clock.</param>
internal sealed class PendingWrite(Operation operation, int size, IHistory history, Origin origin, long enqueued)
    : TaskCompletionSource<WriteAnswer>
{
    /// <summary>The span of the call, if traces are collected.</summary>
    public Activity? Span { get; } = Spans.Caller;

    public Operation Operation => operation;

    public int Size => size;

    public IHistory History => history;

    public Origin Origin => origin;

    public long Enqueued => enqueued;

    /// <summary>The result of the last evaluation; final once the batch is committed.</summary>
    public WriteAnswer Answer { get; set; }

    /// <summary>The exception of the last evaluation, which changed nothing. It fails this write and no other.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Answers the write after the commit of its batch.</summary>
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
