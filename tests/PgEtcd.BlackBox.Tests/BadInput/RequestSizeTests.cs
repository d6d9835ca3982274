using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>The largest requests: etcd measures a write as proposed, with the ids that it adds.</summary>
public sealed class RequestSizeTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int DefaultLimit = 1572864;

    /// <summary>etcd adds a number that begins with random bits to each proposal: it takes 9 or 10 bytes, and 8 for one server in
    /// hundreds.</summary>
    private const int Varies = 2;

    [SkippableTheory]
    [InlineData(DefaultLimit)]
    [InlineData(20_000)]
    [InlineData(1000)]
    [InlineData(100)]
    public async Task The_size_limit_of_writes_is_etcds_to_the_byte(int limit)
    {
        string[] flag = limit == DefaultLimit ? [] : ["--max-request-bytes", $"{limit}"];
        await using EtcdServer etcd = await EtcdServer.StartAsync(flag);
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync(), moreArguments: flag);
        foreach (Func<Kv, int, Task<int>> send in new[] { PutAsync, DeleteAsync, TxnAsync })
        {
            int theirs = await LargestAsync(etcd, limit, send);
            int ours = await LargestAsync(pgetcd, limit, send);
            ours.ShouldBeInRange(theirs - Varies, theirs, send.Method.Name);
        }
    }

    [Fact]
    public async Task Reads_may_be_larger_and_a_request_beyond_gRPCs_limit_gets_its_error()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        string long_ = new('k', DefaultLimit + 100_000);
        (await kv.ReadAsync(long_)).ShouldBeEmpty();
        await RefusedAsync(() => kv.SendAsync(Put("k", long_)), EtcdErrors.RequestTooLarge);
        await RefusedAsync(() => kv.SendAsync(Delete(long_)), EtcdErrors.RequestTooLarge);
        await RefusedAsync(() => kv.SendAsync(Txn(Op(Put("k", long_)))), EtcdErrors.RequestTooLarge);

        PutRequest huge = Put("k", new string('v', 2 * 1024 * 1024));
        (await Should.ThrowAsync<RpcException>(() => kv.SendAsync(huge))).Status.ShouldBe(new Status(
            StatusCode.ResourceExhausted, $"grpc: received message larger than max ({huge.CalculateSize()} vs. {2 * 1024 * 1024})"));
        (await kv.PutAsync("k", "v")).ShouldBe(2);
    }

    [Fact]
    public async Task The_flags_for_operations_and_bytes_set_the_limits()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--max-txn-ops", "2", "--max-request-bytes", "3000000"]);
        await using Kv kv = new(server);
        await RefusedAsync(() => kv.SendAsync(Txn(Op(Range("a")), Op(Range("b")), Op(Range("c")))), EtcdErrors.TooManyOps);
        await RefusedAsync(() => kv.SendAsync(Txn(Op(Range("a")), Op(Txn(Op(Range("b")))))), EtcdErrors.TooManyOps);
        (await kv.SendAsync(Txn(Op(Range("a")), Op(Range("b"))))).Responses.Count.ShouldBe(2);

        (await kv.PutAsync("k", new string('v', 2_900_000))).ShouldBe(2);
        await RefusedAsync(() => kv.PutAsync("k", new string('v', 3_000_001)), EtcdErrors.RequestTooLarge);
        (await Should.ThrowAsync<RpcException>(() => kv.PutAsync("k", new string('v', 4_000_000))))
            .Status.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        (await kv.SendAsync(Range("k"))).Kvs[0].Value.Length.ShouldBe(2_900_000);
    }

    private static async Task<int> PutAsync(Kv kv, int length)
    {
        PutRequest put = Put("k", new string('v', length));
        await kv.SendAsync(put);
        return put.CalculateSize();
    }

    private static async Task<int> DeleteAsync(Kv kv, int length)
    {
        DeleteRangeRequest delete = Delete(new string('k', length));
        await kv.SendAsync(delete);
        return delete.CalculateSize();
    }

    private static async Task<int> TxnAsync(Kv kv, int length)
    {
        TxnRequest txn = Txn(Op(Put("k", new string('v', length))));
        await kv.SendAsync(txn);
        return txn.CalculateSize();
    }

    /// <summary>The size of the largest accepted message, to the byte.</summary>
    private static async Task<int> LargestAsync(IEtcdServer server, int limit, Func<Kv, int, Task<int>> send)
    {
        await using Kv kv = new(server);
        (int accepted, int refused) = (Math.Max(1, limit - 60), limit + 1);
        int size = await send(kv, accepted);
        while (refused - accepted > 1)
        {
            int tried = (accepted + refused) / 2;
            try
            {
                size = await send(kv, tried);
                accepted = tried;
            }
            catch (RpcException error)
            {
                error.Status.ShouldBe(EtcdErrors.RequestTooLarge.Status);
                refused = tried;
            }
        }

        return size;
    }
}
