using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>Small requests with answers beyond 2 GB (fault A4).</summary>
public sealed class LargeAnswerTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_transaction_whose_answer_exceeds_a_message_is_refused_and_changes_nothing()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        for (int i = 0; i < 14; i++)
        {
            await kv.SendAsync(new PutRequest { Key = Bytes($"big{i}"), Value = ByteString.CopyFrom(new byte[1_500_000]) });
        }

        long before = server.ResidentBytes;
        RequestOp all = Op(Range("big", end: "bih"));
        TxnRequest flat = Txn([.. Enumerable.Repeat(all, 128)]);
        TxnRequest nested = Txn(
            Op(Put("small", "1")), Op(Txn([.. Enumerable.Repeat(all, 120)])), Op(Txn([.. Enumerable.Repeat(all, 120)])));
        nested.CalculateSize().ShouldBeLessThan(5000);
        foreach (TxnRequest request in (TxnRequest[])[flat, nested])
        {
            RpcException refused = await Should.ThrowAsync<RpcException>(() => kv.SendAsync(request));
            refused.StatusCode.ShouldBe(StatusCode.ResourceExhausted);
            refused.Status.Detail.ShouldMatch(@"^grpc: trying to send message larger than max \(\d{10} vs\. 2147483647\)$");
        }

        (await kv.ReadAsync("small")).ShouldBeEmpty();
        await kv.PutAsync("small", "2");
        (server.ResidentBytes - before).ShouldBeLessThan(300_000_000);
    }
}
