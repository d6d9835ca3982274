using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>The life of one lease on two servers at once: granted, given keys, kept alive or not, revoked or left to expire.</summary>
internal sealed class LeaseLife(LeaseSide[] sides, long id, int seed)
{
    /// <summary>The delay allowed for an expiry: etcd checks every 500 ms, and the machine is busy.</summary>
    private static readonly TimeSpan MostLate = TimeSpan.FromSeconds(4);

    /// <summary>In this time before the end, a request may or may not find the lease.</summary>
    private static readonly TimeSpan Uncertain = TimeSpan.FromMilliseconds(900);

    private readonly Random _random = new(seed);
    private readonly List<string> _keys = [];
    private readonly long _refuge = 100_000 + id; // a lease of an hour, to which keys are moved
    private long _renewed;
    private TimeSpan _ttl;

    /// <summary>Keys that were attached at some time.</summary>
    public IReadOnlyList<string> Keys => _keys;

    /// <summary>Keys deleted with the lease. The last by name is never moved, as its deletion shows the end.</summary>
    public HashSet<string> Attached { get; } = [];

    private string Mark => $"{id}/mark";

    /// <summary>Acts on both servers and compares their answers.</summary>
    public async Task LiveAsync()
    {
        _ttl = TimeSpan.FromSeconds(_random.Next(3, 5));
        _renewed = TimeProvider.System.GetTimestamp();
        await BothAsync(side => side.Channel.GrantAsync((long)_ttl.TotalSeconds, id));
        await BothAsync(side => side.Channel.GrantAsync(3600, _refuge));
        await AttachAsync(Mark, "mark");
        int steps = _random.Next(2, 9);
        for (int step = 0; step < steps && Left > Uncertain; step++)
        {
            await StepAsync(step);
            // The delay is what is tested; there is nothing to wait for.
            await Task.Delay(_random.Next(100, 600));
            if (Left < Uncertain + TimeSpan.FromSeconds(0.5) && Left > Uncertain && _random.Next(3) > 0)
            {
                await KeepAliveAsync();
            }
        }

        bool isRevoked = _random.Next(3) == 0 && Left > Uncertain;
        if (isRevoked)
        {
            await BothAsync(side => side.Channel.RevokeAsync(id));
        }

        await Task.WhenAll(sides.Select(side => EndAsync(side, isRevoked)));
        (await BothAsync(side => side.KeepAliveAsync(id))).ShouldBe(0);
        (await BothAsync(side => side.PutAsync($"{id}/late", "x", id))).ShouldNotBeNull();
    }

    private TimeSpan Left => _ttl - TimeProvider.System.GetElapsedTime(_renewed);

    private async Task StepAsync(int step)
    {
        string key = $"{id}/{_random.Next(3)}";
        switch (_random.Next(6))
        {
            case < 3:
                await AttachAsync(key, $"attached {step}");
                break;
            case 3:
                Note(key);
                Attached.Remove(key);
                long other = _random.Next(2) == 0 ? _refuge : 0;
                await BothAsync(side => side.PutAsync(key, $"elsewhere {step}", other));
                break;
            case 4:
                await KeepAliveAsync();
                break;
            default:
                await BothAsync(side => side.DescribeAsync(id));
                break;
        }
    }

    private async Task AttachAsync(string key, string value)
    {
        Note(key);
        Attached.Add(key);
        (await BothAsync(side => side.PutAsync(key, value, id))).ShouldBeNull();
    }

    private void Note(string key)
    {
        if (!_keys.Contains(key))
        {
            _keys.Add(key);
        }
    }

    private async Task KeepAliveAsync()
    {
        long sent = TimeProvider.System.GetTimestamp();
        (await BothAsync(side => side.KeepAliveAsync(id))).ShouldBe((long)_ttl.TotalSeconds);
        _renewed = sent;
    }

    private async Task EndAsync(LeaseSide side, bool isRevoked)
    {
        await Eventually.TrueAsync(() => IsDeleted(side, Mark), _ttl + MostLate, $"{side.Kind}: lease {id} is gone");
        TimeSpan lived = TimeProvider.System.GetElapsedTime(_renewed);
        if (!isRevoked)
        {
            lived.ShouldBeInRange(_ttl, _ttl + MostLate, $"{side.Kind}: lease {id} after its last renewal");
        }

        Attached.ShouldAllBe(key => IsDeleted(side, key));
        Attached.Select(key => side.Events(key)[^1].Revision).Distinct().Count()
            .ShouldBe(1, $"{side.Kind}: the keys of lease {id} go in one revision");
        await Eventually.TrueAsync(() => side.IsGoneAsync(id), MostLate, $"{side.Kind}: lease {id} is gone after its keys");
    }

    private static bool IsDeleted(LeaseSide side, string key) => side.Events(key).LastOrDefault() is { Value: null };

    /// <summary>Checks that both gave the same answer.</summary>
    private async Task<T> BothAsync<T>(Func<LeaseSide, Task<T>> act)
    {
        T[] answers = await Task.WhenAll(sides.Select(act));
        if (answers[0] is not LeaseRevokeResponse)
        {
            answers[1].ShouldBe(answers[0], $"lease {id}, {Left} left");
        }

        return answers[1];
    }
}
