using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using static PgEtcd.Protocol.Etcdserverpb.RangeRequest.Types;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>A request and its RPC.</summary>
internal sealed record RandomRequest(string Rpc, IMessage Message);

/// <summary>
/// Random KV and lease requests, good and bad. The same seed and the same answers give the same requests.
/// Requests that crash real etcd 3.4 are never generated: unknown sort values, and a put that keeps the value or
/// the lease of a key that an open-ended delete of the same transaction removes.
/// </summary>
internal sealed class RequestGenerator
{
    private static readonly byte[] Letters = [0, (byte)'a', (byte)'b', 0xff];
    private static readonly long[] Leases = [100, 200, 300, -7, long.MaxValue];

    private readonly Random _random;
    private readonly StoreState _state;
    private readonly KeyPool _keys;
    private readonly TxnGenerator _txns;

    public RequestGenerator(int seed, StoreState state)
    {
        _random = new Random(seed);
        _state = state;
        _keys = new KeyPool(_random);
        _txns = new TxnGenerator(_random, _keys, this);
    }

    public RandomRequest Next() => _random.Next(1000) switch
    {
        < 300 => new("etcdserverpb.KV/Put", Put()),
        < 520 => new("etcdserverpb.KV/Range", Range()),
        < 590 => new("etcdserverpb.KV/DeleteRange", Delete()),
        < 880 => new("etcdserverpb.KV/Txn", _txns.Next()),
        < 895 => new("etcdserverpb.KV/Compact", Compaction()),
        < 930 => new("etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { ID = Leases[_random.Next(Leases.Length)], TTL = Ttl() }),
        < 945 => new("etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = Lease() }),
        < 980 => new("etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = Lease(), Keys = Maybe(70) }),
        < 990 => new("etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest()),
        < 993 => new("etcdserverpb.KV/Put", Oversize()),
        _ => new("etcdserverpb.KV/Range", new RangeRequest { Key = KeyPool.OpenEnd, RangeEnd = KeyPool.OpenEnd }),
    };

    public PutRequest Put()
    {
        PutRequest put = new() { Key = Maybe(2) ? ByteString.Empty : _keys.Key(), PrevKv = Maybe(30) };
        put.IgnoreValue = Maybe(12);
        if (!put.IgnoreValue || Maybe(8))
        {
            put.Value = Value();
        }

        put.IgnoreLease = Maybe(12);
        if (!put.IgnoreLease ? Maybe(30) : Maybe(8))
        {
            put.Lease = Lease();
        }

        return put;
    }

    public RangeRequest Range()
    {
        // A sort by anything but the key has one right answer only among few keys.
        bool sorted = Maybe(35);
        (ByteString key, ByteString end) = sorted ? _keys.SmallRange() : _keys.Range();
        RangeRequest range = new()
        {
            Key = Maybe(2) ? ByteString.Empty : key,
            RangeEnd = end,
            Limit = Maybe(35) ? _random.Next(-1, 8) : 0,
            Revision = Maybe(40) ? Revision() : 0,
            SortOrder = Maybe(40) ? (SortOrder)_random.Next(3) : SortOrder.None,
            SortTarget = sorted ? (SortTarget)_random.Next(5) : SortTarget.Key,
            Serializable = Maybe(25),
            KeysOnly = Maybe(15),
            CountOnly = Maybe(10),
        };
        if (Maybe(20))
        {
            range.MinModRevision = Maybe(50) ? Bound() : 0;
            range.MaxModRevision = Maybe(50) ? Bound() : 0;
            range.MinCreateRevision = Maybe(50) ? Bound() : 0;
            range.MaxCreateRevision = Maybe(50) ? Bound() : 0;
        }

        return range;
    }

    public DeleteRangeRequest Delete()
    {
        // Mostly small, or the store would be empty most of the time.
        (ByteString key, ByteString end) = Maybe(70) ? (_keys.Key(), ByteString.Empty) : Maybe(85) ? _keys.SmallRange() : _keys.Range();
        return new DeleteRangeRequest { Key = Maybe(2) ? ByteString.Empty : key, RangeEnd = end, PrevKv = Maybe(40) };
    }

    /// <summary>A short value from a small alphabet, so that comparisons find equal ones.</summary>
    public ByteString Value()
    {
        byte[] value = new byte[_random.Next(4)];
        for (int i = 0; i < value.Length; i++)
        {
            value[i] = Letters[_random.Next(Letters.Length)];
        }

        return ByteString.CopyFrom(value);
    }

    /// <summary>A lease that may or may not exist; now and then 0.</summary>
    public long Lease() => Maybe(5) ? 0 : Leases[_random.Next(Leases.Length)];

    /// <summary>A past, present, compacted, future or negative revision.</summary>
    public long Revision() => _random.Next(20) switch
    {
        0 => _state.Revision + 1 + _random.Next(3),
        1 => -1 - _random.Next(2),
        2 => _state.Compacted,
        3 => _state.Compacted - 1,
        4 => _state.Revision,
        5 => 1,
        6 => long.MaxValue,
        _ => Bound(),
    };

    /// <summary>A revision that probably exists.</summary>
    public long Bound() => _random.NextInt64(Math.Max(1, _state.Compacted), _state.Revision + 1);

    public bool Maybe(int percent) => _random.Next(100) < percent;

    private CompactionRequest Compaction() => new()
    {
        Revision = _random.Next(6) switch
        {
            0 => Revision(),
            1 => _state.Revision,
            2 => 0,
            _ => Math.Max(_state.Compacted, _state.Revision - _random.Next(1, 60)),
        },
        Physical = Maybe(30),
    };

    /// <summary>A TTL that is long enough to outlive the test, or out of bounds.</summary>
    private long Ttl() => Maybe(5) ? 9_000_000_001 : _random.NextInt64(1_000_000, 9_000_000_000);

    /// <summary>A value larger than a request may be, and sometimes larger than a gRPC message may be.</summary>
    private PutRequest Oversize() => new()
    {
        Key = _keys.Key(),
        Value = ByteString.CopyFrom(new byte[Maybe(50) ? 1_600_000 : 2_200_000]),
    };
}
