using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using Xunit.Abstractions;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>Clients that begin requests without finishing them, and clients that do not read answers (faults A4 and A5).</summary>
[Collection(nameof(Alone))]
public sealed class HeldMemoryTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    /// <summary>A message without its last byte.</summary>
    private static readonly byte[] Unfinished = GrpcFrame.Wrap(new byte[1_500_000])[..^1];

    [Theory]
    [InlineData("etcdserverpb.KV/Put")]
    [InlineData("etcdserverpb.Watch/Watch")]
    [InlineData("etcdserverpb.Lease/LeaseKeepAlive")]
    [InlineData("v3/kv/put")]
    [InlineData("v3/watch")]
    public async Task Calls_with_incomplete_messages_are_ended_beyond_a_budget(string method)
    {
        await using PgEtcdServer server = await StartAsync();
        await using OtherClient other = await OtherClient.StartAsync(server);
        await using Http2Client hostile = await Http2Client.ConnectAsync(server.ClientUrl);
        byte[] unfinished = Unfinished;
        if (method.StartsWith("v3/", StringComparison.Ordinal))
        {
            unfinished = new byte[Unfinished.Length];
            Array.Fill(unfinished, (byte)'A');
            "{\"key\":\""u8.CopyTo(unfinished);
        }

        for (int i = 0; i < 240; i++)
        {
            await hostile.WriteAsync(await hostile.BeginAsync(method), unfinished, isLast: false);
        }

        // 170 MB, a third of 512, hold 120 of these; calls that were ended give back their share.
        await Eventually.TrueAsync(() => hostile.Ended > 60, "most are ended");
        await server.SaysAsync("more of them are refused: 127.0.0.1");
        output.WriteLine($"{hostile.Ended} ended; {await other.EndAsync()}");
        server.CountOf("more of them are refused: 127.0.0.1").ShouldBe(1);
        other.Grown.ShouldBeLessThan(300);
        other.Longest.ShouldBeLessThan(1500);
    }

    [Theory]
    [InlineData("etcdserverpb.KV/Range")]
    [InlineData("etcdserverpb.KV/RangeStream")]
    [InlineData("v3/kv/range")]
    public async Task Unread_answers_wait_without_being_written(string method)
    {
        await using PgEtcdServer server = await StartAsync();
        await using Kv kv = new(server);
        await kv.PutAsync("big", new string('v', 1_000_000));
        await using OtherClient other = await OtherClient.StartAsync(server);
        await using Http2Client hostile = await Http2Client.ConnectAsync(server.ClientUrl, window: 0);
        byte[] request = method.StartsWith("v3/", StringComparison.Ordinal)
            ? "{\"key\":\"Ymln\"}"u8.ToArray()
            : GrpcFrame.Wrap(Range("big").ToByteArray());
        int last = 0;
        for (int i = 0; i < 500; i++)
        {
            await hostile.WriteAsync(last = await hostile.BeginAsync(method), request, isLast: true);
        }

        await Task.Delay(TimeSpan.FromSeconds(2)); // no event shows that the server has done all it will do
        string seen = await other.EndAsync();
        output.WriteLine($"{hostile.Received} bytes; {seen}");
        other.Grown.ShouldBeLessThan(300);
        other.Longest.ShouldBeLessThan(1500);
        if (method == "v3/kv/range")
        {
            return; // only a certain number of them may be answered
        }

        // The last answer arrives whole when it is read, while the others stay unread.
        await hostile.OpenWindowAsync(last, 2_000_000);
        await hostile.OpenWindowAsync(0, 2_000_000);
        await Eventually.TrueAsync(() => hostile.Ended == 1, "the answer comes");
        hostile.Received.ShouldBeGreaterThan(1_000_000);
    }

    /// <summary>Four answers of nearly 2 GB each.</summary>
    [Fact]
    public async Task Answers_as_large_as_a_message_can_be_are_written_as_they_are_read()
    {
        await using PgEtcdServer server = await StartAsync();
        await using Kv kv = new(server);
        for (int i = 0; i < 14; i++)
        {
            await kv.SendAsync(new PutRequest { Key = Bytes($"big{i:00}"), Value = ByteString.CopyFrom(new byte[1_500_000]) });
        }

        RequestOp all = Op(Range("big", end: "bih"));
        byte[] request = GrpcFrame.Wrap(Txn([.. Enumerable.Repeat(all, 100)]).ToByteArray());
        await using OtherClient other = await OtherClient.StartAsync(server);
        await using Http2Client hostile = await Http2Client.ConnectAsync(server.ClientUrl, window: 0);
        for (int i = 0; i < 4; i++)
        {
            await hostile.WriteAsync(await hostile.BeginAsync("etcdserverpb.KV/Txn"), request, isLast: true);
        }

        await hostile.OpenWindowAsync(1, 500_000_000);
        await hostile.OpenWindowAsync(0, 500_000_000);
        await Eventually.TrueAsync(() => hostile.Received > 499_000_000, "so much is read as the windows allow");
        output.WriteLine(await other.EndAsync());
        other.Grown.ShouldBeLessThan(200);
        other.Longest.ShouldBeLessThan(1500);
    }

    /// <summary>Honest clients: many requests and answers at a time, all finished and read.</summary>
    [Fact]
    public async Task Many_large_puts_and_lists_on_one_connection_are_served()
    {
        await using PgEtcdServer server = await StartAsync();
        await using Kv kv = new(server);
        ByteString value = ByteString.CopyFrom(new byte[1_000_000]);
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => kv.SendAsync(new PutRequest { Key = Bytes($"k{i:00}"), Value = value })));
        RangeResponse[] lists = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => kv.SendAsync(Range("k", end: "l"))));
        lists.ShouldAllBe(list => list.Kvs.Count == 40 && list.CalculateSize() > 40_000_000);
        RequestOp inner = Op(Txn(Op(Range("k00")), Op(Range("none")), Op(Range("k39"))));
        TxnResponse nested = await kv.SendAsync(Txn(Op(Range("k", end: "l")), Op(Put("n", "1")), inner));
        nested.Responses[0].ResponseRange.Kvs.Count.ShouldBe(40);
        nested.Responses[2].ResponseTxn.Responses.Select(one => one.ResponseRange.Count).ShouldBe([1L, 0L, 1L]);
        DeleteRangeResponse deleted = await kv.SendAsync(new DeleteRangeRequest { Key = Bytes("k"), RangeEnd = Bytes("l"), PrevKv = true });
        deleted.PrevKvs.Count.ShouldBe(40);
        deleted.PrevKvs.ShouldAllBe(pair => pair.Value == value);
    }

    /// <summary>Memory held by a connection is freed when it closes.</summary>
    [Fact]
    public async Task A_closed_connection_frees_its_memory()
    {
        await using PgEtcdServer server = await StartAsync();
        for (int round = 0; round < 12; round++)
        {
            await using Http2Client client = await Http2Client.ConnectAsync(server.ClientUrl);
            for (int i = 0; i < 12; i++)
            {
                (await client.WriteAsync(await client.BeginAsync("etcdserverpb.KV/Put"), Unfinished, isLast: false)).ShouldBeTrue();
            }

            client.Ended.ShouldBe(0);
        }

        server.CountOf("more of them are refused").ShouldBe(0);
    }

    private async Task<PgEtcdServer> StartAsync() => await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
}
