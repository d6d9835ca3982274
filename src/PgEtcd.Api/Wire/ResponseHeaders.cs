using Google.Protobuf;
using PgEtcd.Frontend.Members;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Wire;

/// <summary>The response header of this frontend. Its constant part is encoded once (semantics.md §0).</summary>
/// <param name="identity">The ids.</param>
/// <param name="term">The raft term shown to clients; at least 1.</param>
internal sealed class ResponseHeaders(ClusterIdentity identity, ulong term)
{
    private const int RevisionField = 3;
    private const int TermField = 4;

    private readonly byte[] _ids = new ResponseHeader { ClusterId = identity.ClusterId, MemberId = identity.MemberId }.ToByteArray();

    /// <summary>The raft term shown to clients, which counts PostgreSQL's restarts and promotions (design §10).</summary>
    public ulong Term => term;

    /// <summary>The header as a message.</summary>
    public ResponseHeader At(long revision) => new()
    {
        ClusterId = identity.ClusterId,
        MemberId = identity.MemberId,
        Revision = revision,
        RaftTerm = Term,
    };

    internal int Size(long revision) =>
        _ids.Length + ProtoWriter.NumberSize(RevisionField, (ulong)revision) + ProtoWriter.NumberSize(TermField, Term);

    /// <summary>Writes the header as a field of a response.</summary>
    internal void WriteField(ref ProtoWriter writer, int field, long revision)
    {
        writer.Start(field, Size(revision));
        writer.Raw(_ids);
        writer.Number(RevisionField, (ulong)revision);
        writer.Number(TermField, Term);
    }
}
