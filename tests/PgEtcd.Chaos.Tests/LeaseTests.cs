using System.Diagnostics;
using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Leases live and end as granted, whatever happens to the frontend that runs the jobs.</summary>
public sealed class LeaseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    /// <summary>etcd's own delay, the rest of a dead leader's term, and the delay of a loaded machine.</summary>
    private static readonly TimeSpan Lateness = TimeSpan.FromSeconds(1 + 2.5 + 20);

    private readonly Dictionary<string, PgEtcdServer> _frontends = [];
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await postgres.CreateStoreAsync();
        foreach (PgEtcdServer frontend in await Task.WhenAll(
            Enumerable.Range(1, 3).Select(number => PgEtcdServer.StartAsync(_database, name: $"frontend{number}"))))
        {
            _frontends.Add($"frontend{_frontends.Count + 1}", frontend);
        }
    }

    [Fact]
    public async Task Leases_expire_once_and_in_time_when_the_leader_is_killed_repeatedly()
    {
        await EndsInTimeAsync(); // all three are running
        for (int killed = 0; killed < 2; killed++)
        {
            string leader = await LeaderAsync();
            Task ending = EndsInTimeAsync(except: leader);
            await _frontends[leader].Kill9Async();
            _frontends.Remove(leader);
            await ending;
        }

        await new LogTable(_database).ShouldBeWellFormedAsync();
    }

    [Fact]
    public async Task A_frozen_leader_is_replaced_and_does_no_harm_when_it_resumes()
    {
        string frozen = await LeaderAsync();
        _frontends[frozen].Process.Signal(UnixSignal.Stop);
        try
        {
            await EndsInTimeAsync(except: frozen);
            (await LeaderAsync()).ShouldNotBe(frozen);
        }
        finally
        {
            _frontends[frozen].Process.Signal(UnixSignal.Continue);
        }

        await EndsInTimeAsync();
        (await QueryAsync<long>("select count(*) from pgetcd.revisions where tombstone")).ShouldBe(2 * 21);
        (await QueryAsync<long>("select count(distinct revision) from pgetcd.revisions where tombstone")).ShouldBe(2 * 21);
        _frontends[frozen].Output.ShouldNotContain("In the background:");
    }

    [Fact]
    public async Task A_stopping_leader_hands_over_at_once()
    {
        string leader = await LeaderAsync();
        Stopwatch since = Stopwatch.StartNew();
        (await _frontends[leader].StopAsync()).ShouldBe(0);

        (await LeaderAsync()).ShouldNotBe(leader);
        since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(15));
    }

    public async Task DisposeAsync()
    {
        foreach (PgEtcdServer frontend in _frontends.Values)
        {
            await frontend.DisposeAsync();
        }
    }

    /// <summary>Grants twenty leases with a key each through the frontends in turn, and one that is kept alive: none ends early, and all
    /// but that one end in time.</summary>
    private async Task EndsInTimeAsync(string? except = null)
    {
        PgEtcdServer[] asked = [.. _frontends.Where(frontend => frontend.Key != except).Select(frontend => frontend.Value)];
        List<KvClient> clients = [.. asked.Select(frontend => new KvClient(frontend))];
        List<GrpcChannel> channels = [.. asked.Select(frontend => new GrpcChannel(frontend.ClientUrl))];
        Stopwatch since = Stopwatch.StartNew();
        string round = Guid.NewGuid().ToString("N");
        for (int i = 0; i < 20; i++)
        {
            long lease = await GrantAsync(channels[i % channels.Count]);
            await PutAsync(channels[(i + 1) % channels.Count], $"{round}/{i}", lease);
        }

        TimeSpan granted = since.Elapsed;
        long kept = await GrantAsync(channels[0]);
        await PutAsync(channels[0], $"{round}/kept", kept);
        using GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream =
            channels[^1].Duplex<LeaseKeepAliveRequest, LeaseKeepAliveResponse>("etcdserverpb.Lease/LeaseKeepAlive");
        while (await CountAsync(clients[0], round) is > 1 and var count)
        {
            since.Elapsed.ShouldBeLessThan(granted + TimeSpan.FromSeconds(2) + Lateness);
            if (count < 21)
            {
                since.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(2));
            }

            await stream.WriteAsync(new LeaseKeepAliveRequest { ID = kept });
            (await stream.ReadAsync()).TTL.ShouldBe(2);
            await Task.Delay(50);
        }

        (await clients[0].GetAsync($"{round}/kept")).Kvs.Count.ShouldBe(1);
        await channels[0].UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>(
            "etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = kept });
        await Task.WhenAll(
            clients.Select(client => client.DisposeAsync().AsTask()).Concat(channels.Select(channel => channel.DisposeAsync().AsTask())));
    }

    private static async Task<int> CountAsync(KvClient client, string round) =>
        (await client.AllAsync()).Kvs.Count(kv => kv.Key.ToStringUtf8().StartsWith(round, StringComparison.Ordinal));

    private static async Task<long> GrantAsync(GrpcChannel channel) => (await channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>(
        "etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = 2 })).ID;

    private static Task<PutResponse> PutAsync(GrpcChannel channel, string key, long lease) => channel.UnaryAsync<PutRequest, PutResponse>(
        "etcdserverpb.KV/Put", new PutRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8(key), Lease = lease });

    /// <summary>The name of the leading frontend, once there is one.</summary>
    private async Task<string> LeaderAsync()
    {
        string? holder = null;
        await Eventually.TrueAsync(
            async () => (holder = await QueryAsync<string?>(
                "select max(holder) from pgetcd.leader where expires_at > clock_timestamp()")) is not null,
            "a frontend leads");
        return holder!.Split('-')[0];
    }

    private async Task<T> QueryAsync<T>(string sql)
    {
        await using NpgsqlConnection connection = new(_database);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default!;
    }
}
