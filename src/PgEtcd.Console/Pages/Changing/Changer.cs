using PgEtcd.Console.Visits;
using PgEtcd.Frontend;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Protocol;

namespace PgEtcd.Console.Pages.Changing;

/// <summary>Changes keys in the name of the visitor, as a Txn of etcd's API would: subject to permissions and quota, recorded in the audit,
/// and only if every key is still at the version that the visitor has seen.</summary>
internal sealed class Changer(ConsoleParts parts, Visitors visitors, ConsoleOptions options)
{
    /// <summary>The most attempts at a write while users, roles or permissions keep changing.</summary>
    private const int MostTries = 5;

    /// <summary>The errors that deny the visitor a change.</summary>
    private static readonly EtcdError[] Denials =
        [EtcdErrors.PermissionDenied, EtcdErrors.UserEmpty, EtcdErrors.AuthOldRevision, EtcdErrors.UserNotFound];

    /// <summary>Bytes of a request besides its key and value.</summary>
    private const int Overhead = 64;

    /// <summary>Makes the changes in one revision.</summary>
    /// <param name="visit">The request.</param>
    /// <param name="changes">The changes, one per key.</param>
    /// <returns>The outcome.</returns>
    /// <exception cref="DeniedException">The console is read-only, or the visitor lacks permission.</exception>
    public async Task<Outcome> ChangeAsync(Visit visit, IReadOnlyList<KeyChange> changes)
    {
        Visit.Demand(visit.IsWritable);
        int size = changes.Sum(change => change.Key.Length + (change.Value?.Length ?? 0) + Overhead);
        TxnOperation txn = new()
        {
            Compares = [.. changes.Select(Unchanged)],
            Success = [.. changes.Select(Operation)],
        };
        if (changes.Any(change => change.Key.Length + (change.Value?.Length ?? 0) + Overhead > options.MaxRequestBytes))
        {
            return new Outcome(null, "The value is larger than this server accepts (--max-request-bytes).", false);
        }

        if (RequestCheck.Check(txn, Math.Max(changes.Count, 1)).ToEtcd() is not null)
        {
            return new Outcome(null, "A key must not be empty.", false);
        }

        using Quota.Room? room = await parts.Quota.ReserveAsync(WriteCost.Of(txn));
        if (room is null)
        {
            return new Outcome(null, Explain(EtcdErrors.NoSpace), false);
        }

        Caller caller = visit.Visitor.Caller;
        string peer = parts.Peer(visit.Context.Connection);
        WriteAnswer answer = await parts.Writer.WriteAsync(txn, size, new Origin(caller, peer));
        for (int tries = 1; answer.Retry == WriteRetry.AuthMoved && tries < MostTries; tries++)
        {
            caller = (await visitors.IdentifyAsync(visit.Context)).Caller;
            answer = await parts.Writer.WriteAsync(txn, size, new Origin(caller, peer));
        }

        return answer switch
        {
            { Error: null, Result: TxnResult { Succeeded: true } done } => new Outcome(done.Revision, null, false),
            { Error: null } => new Outcome(null, null, true),
            { Retry: WriteRetry.None } when Denials.Contains(answer.Error) => throw new DeniedException(),
            _ => new Outcome(null, Explain(answer.Error), false),
        };
    }

    private static Compare Unchanged(KeyChange change) =>
        new() { Key = change.Key, Target = CompareTarget.Mod, Result = CompareResult.Equal, Number = change.SeenRevision };

    private static Operation Operation(KeyChange change) => change.Value is { } value
        ? new PutOperation { Key = change.Key, Value = value, Lease = change.Lease }
        : new DeleteRangeOperation { Key = change.Key };

    private static string Explain(EtcdError error) =>
        error == EtcdErrors.NoSpace ? "Alarm NOSPACE is raised: puts are refused."
        : error == EtcdErrors.Corrupt ? "Alarm CORRUPT is raised: all changes are refused."
        : error == EtcdErrors.LeaseNotFound ? "The lease of the key no longer exists."
        : "The change was refused: " + error.Name;
}

/// <summary>A put or delete of a key.</summary>
/// <param name="Value">The value; null for a delete.</param>
/// <param name="Lease">0: none.</param>
/// <param name="SeenRevision">The mod revision that the visitor has seen; 0: the key did not exist.</param>
internal sealed record KeyChange(byte[] Key, byte[]? Value, long Lease, long SeenRevision);

/// <summary>The outcome of a change.</summary>
/// <param name="Revision">The new revision; null if nothing was changed.</param>
/// <param name="Problem">Why the change was refused; null if it was not.</param>
/// <param name="IsConflict">Whether a key had changed since the visitor saw it.</param>
internal sealed record Outcome(long? Revision, string? Problem, bool IsConflict);
