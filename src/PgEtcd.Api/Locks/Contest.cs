using System.Globalization;
using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Locks;

/// <summary>A lock or an election: each contender has one key, <c>name/lease</c>, and the oldest is the holder (semantics.md §12).
/// Names share the key space with all other keys.</summary>
/// <param name="name">Name of the lock or election.</param>
internal sealed class Contest(ByteString name)
{
    public ByteString Name => name;

    /// <summary>Start of the range that holds the keys of all contenders.</summary>
    public ByteString Start { get; } = Append(name, "/");

    /// <summary>End of that range: 0 follows the slash in ASCII.</summary>
    public ByteString End { get; } = Append(name, "0");

    /// <summary>Reads all contenders.</summary>
    public RangeRequest All => new() { Key = Start, RangeEnd = End };

    /// <summary>Reads the holder.</summary>
    public RangeRequest Oldest => new()
    {
        Key = Start,
        RangeEnd = End,
        SortTarget = RangeRequest.Types.SortTarget.Create,
        SortOrder = RangeRequest.Types.SortOrder.Ascend,
        Limit = 1,
    };

    /// <summary>Reads a contender's predecessor, which the contender watches, as far as this frontend knows.</summary>
    public RangeRequest LastBefore(long createRevision) => new()
    {
        Key = Start,
        RangeEnd = End,
        SortTarget = RangeRequest.Types.SortTarget.Create,
        SortOrder = RangeRequest.Types.SortOrder.Descend,
        Limit = 1,
        MaxCreateRevision = createRevision - 1,
        Serializable = true,
    };

    /// <summary>The key of the contender with this lease.</summary>
    public ByteString KeyOf(long lease) => Append(Start, Hex(lease));

    /// <summary>Adds a contender, or reads it if present; also reads the oldest.</summary>
    public TxnRequest Enter(long lease, ByteString value)
    {
        ByteString key = KeyOf(lease);
        RequestOp oldest = new() { RequestRange = Oldest };
        TxnRequest enter = Proclaim(key, 0, value, lease);
        enter.Success.Add(oldest);
        enter.Failure.Add([new RequestOp { RequestRange = new RangeRequest { Key = key } }, oldest]);
        return enter;
    }

    /// <summary>Changes a contender's value if the create revision still matches.</summary>
    public static TxnRequest Proclaim(ByteString key, long createRevision, ByteString value, long lease) =>
        IfCreatedAt(key, createRevision, new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease } });

    /// <summary>Removes a contender if the create revision still matches.</summary>
    public static TxnRequest Leave(ByteString key, long createRevision) =>
        IfCreatedAt(key, createRevision, new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } });

    private static TxnRequest IfCreatedAt(ByteString key, long revision, RequestOp change) => new()
    {
        Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Create, CreateRevision = revision } },
        Success = { change },
    };

    /// <summary>As Go prints a signed number: a minus before the digits.</summary>
    private static string Hex(long lease) =>
        lease < 0
            ? "-" + unchecked((ulong)-lease).ToString("x", CultureInfo.InvariantCulture)
            : lease.ToString("x", CultureInfo.InvariantCulture);

    private static ByteString Append(ByteString start, string end) =>
        ByteString.CopyFrom([.. start.Span, .. System.Text.Encoding.ASCII.GetBytes(end)]);
}
