using System.Text.Json.Nodes;

namespace PgEtcd.Mvcc.Tests.Vectors;

/// <summary>A minimal store around a <see cref="KeySpace"/>, which keeps all of its versions.</summary>
internal sealed class Replay : IHistory
{
    internal const int MaxTxnOps = 128;

    private readonly HashSet<long> _leases = [];
    private readonly Dictionary<long, KeySpace> _versions = [];
    private KeySpace _now = KeySpace.Empty;

    public Replay() => _versions[1] = _now;

    /// <summary>The response or, as an object with its text in "message", the error; null for lines that do not concern Mvcc.</summary>
    public JsonObject? Answer(string rpc, JsonNode request)
    {
        switch (rpc)
        {
            case "etcdserverpb.KV/Range":
                return Read(RequestReader.Range(request));
            case "etcdserverpb.KV/Put":
                return Write(RequestReader.Put(request));
            case "etcdserverpb.KV/DeleteRange":
                return Write(RequestReader.Delete(request));
            case "etcdserverpb.KV/Txn":
                return Write(RequestReader.Txn(request));
            case "etcdserverpb.KV/Compact":
                return Compact(RequestReader.Number(request["revision"]));
            case "etcdserverpb.Lease/LeaseGrant":
                _leases.Add(RequestReader.Number(request["ID"]));
                return null;
            default:
                throw new NotSupportedException(rpc);
        }
    }

    public RangeResult? Range(RangeOperation operation, long headerRevision) =>
        _versions[operation.Revision].Range(operation, headerRevision);

    private JsonObject Read(RangeOperation range)
    {
        KvError error = RequestCheck.Check(range, MaxTxnOps);
        if (error != KvError.None)
        {
            return Error(error);
        }

        error = _now.Fork().Evaluate(range, Missing(range), this, out OperationResult? result);
        return error == KvError.None ? ResponseWriter.Response(result!) : Error(error);
    }

    private JsonObject Write(Operation operation)
    {
        KvError error = RequestCheck.Check(operation, MaxTxnOps);
        if (error != KvError.None)
        {
            return Error(error);
        }

        Fork fork = _now.Fork();
        error = fork.Evaluate(operation, Missing(operation), this, out OperationResult? result);
        bool readOnly = operation is TxnOperation { IsReadOnly: true };
        if (readOnly)
        {
            RequireSame(_now.EvaluateReadOnly((TxnOperation)operation, this), error, result);
        }

        if (error != KvError.None)
        {
            return Error(error);
        }

        long before = _now.Revision;
        _now = fork.Freeze();
        _now.Keys.CheckInvariants();
        if (_now.Revision != before + (fork.Events.Count > 0 ? 1 : 0))
        {
            throw new InvalidOperationException("The revision did not move as it should.");
        }

        _versions[_now.Revision] = _now;
        return ResponseWriter.Response(result!);
    }

    private JsonObject Compact(long revision)
    {
        if (revision <= _now.CompactRevision)
        {
            return Error(KvError.Compacted);
        }

        if (revision > _now.Revision)
        {
            return Error(KvError.FutureRevision);
        }

        _now = _now.WithCompactRevision(revision);
        return new JsonObject { ["header"] = ResponseWriter.Header(_now.Revision) };
    }

    private HashSet<long> Missing(Operation? operation) => operation switch
    {
        PutOperation put when put.Lease != 0 && !_leases.Contains(put.Lease) => [put.Lease],
        TxnOperation txn => [.. txn.Success.Concat(txn.Failure).SelectMany(Missing)],
        _ => [],
    };

    private static void RequireSame((KvError Error, TxnResult? Result) read, KvError error, OperationResult? result)
    {
        bool same = read.Error == error && (result is null
            || JsonNode.DeepEquals(ResponseWriter.Response(result), ResponseWriter.Response(read.Result!)));
        if (!same)
        {
            throw new InvalidOperationException("EvaluateReadOnly and Evaluate differ.");
        }
    }

    private static JsonObject Error(KvError error) => new()
    {
        ["message"] = error switch
        {
            KvError.EmptyKey => "etcdserver: key is not provided",
            KvError.KeyNotFound => "etcdserver: key not found",
            KvError.ValueProvided => "etcdserver: value is provided",
            KvError.LeaseProvided => "etcdserver: lease is provided",
            KvError.TooManyOps => "etcdserver: too many operations in txn request",
            KvError.DuplicateKey => "etcdserver: duplicate key given in txn request",
            KvError.InvalidSortOption => "etcdserver: invalid sort option",
            KvError.Compacted => "etcdserver: mvcc: required revision has been compacted",
            KvError.FutureRevision => "etcdserver: mvcc: required revision is a future revision",
            KvError.LeaseNotFound => "etcdserver: requested lease not found",
            _ => error.ToString(),
        },
    };
}
