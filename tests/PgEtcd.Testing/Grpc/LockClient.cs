using Google.Protobuf;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;

namespace PgEtcd.Testing.Grpc;

/// <summary>Requests to v3lockpb.Lock and v3electionpb.Election in the form of tests.</summary>
public static class LockClient
{
    private const string Lock = "v3lockpb.Lock/";
    private const string Election = "v3electionpb.Election/";

    /// <summary>Waits for a lock.</summary>
    public static Task<LockResponse> LockAsync(
        this GrpcChannel channel, string name, long lease = 0, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync<LockRequest, LockResponse>(
            Lock + "Lock", new LockRequest { Name = Utf8(name), Lease = lease }, timeout: timeout, cancellationToken: cancellationToken);

    /// <summary>Releases a lock.</summary>
    public static Task<UnlockResponse> UnlockAsync(this GrpcChannel channel, ByteString key) =>
        channel.UnaryAsync<UnlockRequest, UnlockResponse>(Lock + "Unlock", new UnlockRequest { Key = key });

    /// <summary>Waits until elected.</summary>
    public static Task<CampaignResponse> CampaignAsync(
        this GrpcChannel channel, string name, string value, long lease = 0, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        channel.UnaryAsync<CampaignRequest, CampaignResponse>(
            Election + "Campaign", new CampaignRequest { Name = Utf8(name), Lease = lease, Value = Utf8(value) },
            timeout: timeout, cancellationToken: cancellationToken);

    /// <summary>Changes the leader's value.</summary>
    public static Task<ProclaimResponse> ProclaimAsync(this GrpcChannel channel, LeaderKey? leader, string value) =>
        channel.UnaryAsync<ProclaimRequest, ProclaimResponse>(
            Election + "Proclaim", new ProclaimRequest { Leader = leader, Value = Utf8(value) });

    /// <summary>Gets the leader.</summary>
    public static Task<LeaderResponse> LeaderAsync(this GrpcChannel channel, string name) =>
        channel.UnaryAsync<LeaderRequest, LeaderResponse>(Election + "Leader", new LeaderRequest { Name = Utf8(name) });

    /// <summary>Resigns from leadership.</summary>
    public static Task<ResignResponse> ResignAsync(this GrpcChannel channel, LeaderKey? leader) =>
        channel.UnaryAsync<ResignRequest, ResignResponse>(Election + "Resign", new ResignRequest { Leader = leader });

    /// <summary>Observes the leaders.</summary>
    public static IAsyncEnumerable<LeaderResponse> ObserveAsync(
        this GrpcChannel channel, string name, CancellationToken cancellationToken = default) =>
        channel.ServerStreamAsync<LeaderRequest, LeaderResponse>(
            Election + "Observe", new LeaderRequest { Name = Utf8(name) }, cancellationToken: cancellationToken);

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
