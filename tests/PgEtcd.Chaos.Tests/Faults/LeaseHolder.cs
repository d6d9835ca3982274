using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>Holds one lease after another: puts its key with each, keeps it alive for a while, and revokes or abandons it.</summary>
/// <remarks>The end of a lease enters the history as an operation without an answer that deletes the key if it still has the value put
/// with the lease, and that begins at the earliest one TTL after the last acknowledged renewal was sent. The checks for writes
/// therefore also detect a key that vanishes too early.</remarks>
internal sealed class LeaseHolder(int number, IEnumerable<Uri> frontends, History history, int seed)
    : RecordingClient($"l{number}", frontends, history, seed)
{
    private readonly string _key = LeasedKeys[number];
    private readonly List<string> _values = [];
    private long _lease;
    private TimeSpan _ttl;

    /// <summary>The lease is alive at least until then, on the history's clock.</summary>
    private long _aliveUntil;

    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (!await GrantAsync())
            {
                continue;
            }

            await PutWithLeaseAsync();
            bool isAlive = true;
            for (int turn = Random.Next(8); turn > 0 && isAlive && !stop.IsCancellationRequested; turn--)
            {
                // A client's pace, mostly in time for the next renewal.
                await Task.Delay(_ttl * 0.4 * Random.NextDouble(), CancellationToken.None);
                switch (Random.Next(6))
                {
                    case 0:
                        await PutWithLeaseAsync();
                        break;
                    case 1:
                        await GetAsync(_key);
                        break;
                    default:
                        isAlive = await KeepAliveAsync();
                        break;
                }
            }

            bool isRevoked = Random.Next(3) == 0 && await RevokeAsync();
            if (!isRevoked)
            {
                Forget();
                await WaitAsync(Random.Next(2) == 0 ? TimeSpan.FromSeconds(10) : TimeSpan.Zero, stop);
            }
        }
    }

    /// <inheritdoc/>
    protected override void OnError(Exception error)
    {
        if (error is RpcException { Status: { StatusCode: StatusCode.NotFound, Detail: "etcdserver: requested lease not found" } })
        {
            CheckGone("the lease is not found");
        }
    }

    private async Task<bool> GrantAsync()
    {
        _values.Clear();
        _ttl = TimeSpan.FromSeconds(Random.Next(2, 5));
        _aliveUntil = 0;
        long sent = History.Now;
        LeaseGrantResponse? granted = await AskAsync<LeaseGrantRequest, LeaseGrantResponse>(
            "Lease/LeaseGrant", new LeaseGrantRequest { TTL = (long)_ttl.TotalSeconds }, [], _ => (0, []));
        _lease = granted?.ID ?? 0;
        _aliveUntil = sent + _ttl.Ticks;
        return granted is not null;
    }

    private async Task PutWithLeaseAsync()
    {
        _values.Add(NextValue());
        await PutAsync(_key, _values[^1], _lease);
    }

    /// <returns>False if the lease has certainly ended.</returns>
    private async Task<bool> KeepAliveAsync()
    {
        long sent = History.Now;
        LeaseKeepAliveResponse? kept = await AskAsync<LeaseKeepAliveRequest, LeaseKeepAliveResponse>(
            "Lease/LeaseKeepAlive", new LeaseKeepAliveRequest { ID = _lease }, [], _ => (0, []));
        switch (kept)
        {
            case { TTL: > 0 }:
                _aliveUntil = sent + _ttl.Ticks;
                return true;
            case not null:
                CheckGone("a keep-alive says so");
                return false;
            default:
                return true;
        }
    }

    /// <returns>False if the call may have failed.</returns>
    private async Task<bool> RevokeAsync()
    {
        _aliveUntil = Math.Min(_aliveUntil, History.Now); // no promise beyond this
        Operation[] deletes = [.. _values.Select(value => Reads(_key) with { If = value, Left = Operation.Absent })];
        return await AskAsync<LeaseRevokeRequest, LeaseRevokeResponse>(
            "Lease/LeaseRevoke", new LeaseRevokeRequest { ID = _lease }, [], response => (response.Header.Revision, deletes)) is not null;
    }

    /// <summary>From now on the lease may end.</summary>
    private void Forget()
    {
        foreach (string value in _values)
        {
            History.Add(new Call($"the end of lease {_lease:x}", Outcome.Unknown, 0,
                new Operation(_key, _aliveUntil, Operation.Never, If: value, Left: Operation.Absent)));
        }
    }

    /// <summary>Polls until the key is gone.</summary>
    private async Task WaitAsync(TimeSpan limit, CancellationToken stop)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (waited.Elapsed < limit && !stop.IsCancellationRequested && await GetAsync(_key) is not { Kvs.Count: 0 })
        {
            await Task.Delay(100, CancellationToken.None); // the pace of polling; each poll is a call of the history
        }
    }

    private void CheckGone(string how)
    {
        TimeSpan left = TimeSpan.FromTicks(_aliveUntil - History.Now);
        if (left > TimeSpan.Zero)
        {
            History.Accuse($"Lease {_lease:x} of {_ttl.TotalSeconds} s ended {left.TotalSeconds} s too early: {how}.");
        }
    }
}
