using System.Diagnostics;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Chaos.Tests;

/// <summary>The puts that were acknowledged to writers, with the times of the acknowledgements.</summary>
internal sealed class AcknowledgedWrites
{
    private readonly Lock _gate = new();
    private readonly List<string> _puts = [];
    private TimeSpan _longestGap;
    private long _last = Stopwatch.GetTimestamp();

    /// <summary>Each as key@revision.</summary>
    public IReadOnlyList<string> Puts
    {
        get
        {
            lock (_gate)
            {
                return [.. _puts];
            }
        }
    }

    /// <summary>The longest time without an acknowledgement to any writer.</summary>
    public TimeSpan LongestGap
    {
        get
        {
            lock (_gate)
            {
                return _longestGap;
            }
        }
    }

    public void Add(TxnRequest request, TxnResponse response)
    {
        lock (_gate)
        {
            _puts.AddRange(request.Success
                .Where(operation => operation.RequestPut is not null)
                .Select(operation => $"{operation.RequestPut.Key.ToStringUtf8()}@{response.Header.Revision}"));
            TimeSpan gap = Stopwatch.GetElapsedTime(_last);
            _longestGap = gap > _longestGap ? gap : _longestGap;
            _last = Stopwatch.GetTimestamp();
        }
    }
}
