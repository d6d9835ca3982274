using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace PgEtcd.Frontend.Members;

/// <summary>The two ids in every response header.</summary>
/// <remarks>etcd's rule (semantics.md §9): a member id is the first 8 bytes of SHA-1 over the sorted peer URLs and the token; the cluster
/// id is the same over the ids of all members. Ours differs in two places. Frontends come and go, so the cluster id counts one member only,
/// the one with etcd's default peer URL: it follows from the token alone and is the same for every frontend. And frontends have no peer
/// URLs to tell them apart, so a name other than <c>default</c> is appended to the input of the member id. A server with default flags has
/// the ids that a default etcd has.</remarks>
/// <param name="MemberId">This frontend's id.</param>
/// <param name="ClusterId">The id that all frontends of the cluster share.</param>
public readonly record struct ClusterIdentity(ulong MemberId, ulong ClusterId)
{
    /// <summary>etcd's default of --name.</summary>
    public const string DefaultName = "default";

    /// <summary>etcd's default of --initial-advertise-peer-urls.</summary>
    public const string DefaultPeerUrl = "http://localhost:2380";

    /// <summary>Computes both ids.</summary>
    public static ClusterIdentity From(string name, string token, IEnumerable<string> peerUrls)
    {
        Span<byte> founder = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(founder, MemberOf([DefaultPeerUrl], token));
        string distinction = name == DefaultName ? "" : name;
        return new ClusterIdentity(MemberOf(peerUrls, token + distinction), FirstEightBytes(founder));
    }

    private static ulong MemberOf(IEnumerable<string> peerUrls, string suffix) =>
        FirstEightBytes(Encoding.UTF8.GetBytes(string.Concat(peerUrls.Order(StringComparer.Ordinal)) + suffix));

    [SuppressMessage("Security", "CA5350", Justification = "etcd's ids are SHA-1; nothing is protected by them.")]
    private static ulong FirstEightBytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt64BigEndian(hash);
    }
}
