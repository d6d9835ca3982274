using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>Bad requests get etcd's error, change nothing, and leave their connection usable.</summary>
public sealed class BadInputTests(BadInputServer server) : IClassFixture<BadInputServer>
{
    public static TheoryData<string> Names => [.. BadRequest.All.Keys];

    /// <summary>Bytes that are not a message, and the way they are sent.</summary>
    public static TheoryData<string, byte[]> Garbage => new()
    {
        { "an end group", [0x0c] },
        { "a length beyond the end", [0x0a, 0x7f, 0x61] },
        { "an endless varint", [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01] },
        { "field number 0", [0x00, 0x01] },
        { "a wire type that is not there", [0x0f, 0x01] },
        { "noise", [.. Enumerable.Range(0, 4096).Select(i => (byte)((i * 37) ^ (i >> 3) ^ 0xa5))] },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Bad_requests_get_etcds_errors(string name)
    {
        BadRequest bad = BadRequest.All[name];
        (await server.RefusesAsync(kv => FirstAsync(kv, bad.Rpc, bad.Request.ToByteArray()))).ShouldBe(bad.Error.Status);
    }

    [Fact]
    public async Task Requests_just_within_the_limits_succeed()
    {
        await using Kv kv = new(server.Server);
        RequestOp read = Op(Range("a"));
        (await kv.SendAsync(Txn([.. Enumerable.Repeat(read, 128)]))).Responses.Count.ShouldBe(128);
        (await kv.SendAsync(Txn([.. Enumerable.Repeat(read, 99), Op(Txn([.. Enumerable.Repeat(read, 28)]))]))).Responses.Count
            .ShouldBe(100);
        (await kv.ReadAsync("a", BadInputServer.Compacted)).ShouldBe(["a=2"]);
    }

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Bytes_that_are_not_a_message_are_an_internal_error_as_with_gRPC_for_Go(string what, byte[] bytes)
    {
        foreach (string rpc in (string[])
            [
                "etcdserverpb.KV/Range", "etcdserverpb.KV/RangeStream", "etcdserverpb.KV/Put", "etcdserverpb.KV/Txn",
                "etcdserverpb.Lease/LeaseGrant",
            ])
        {
            Status status = await server.RefusesAsync(kv => FirstAsync(kv, rpc, bytes));
            status.StatusCode.ShouldBe(StatusCode.Internal, $"{what} to {rpc}");
            status.Detail.ShouldStartWith("grpc: error unmarshalling request: ");
        }
    }

    [Theory]
    [InlineData("etcdserverpb.KV/Move", "unknown method Move for service etcdserverpb.KV")]
    [InlineData("etcdserverpb.Queue/Put", "unknown service etcdserverpb.Queue")]
    public async Task A_method_or_service_that_is_not_etcds_is_unimplemented(string rpc, string detail) =>
        (await server.RefusesAsync(kv => FirstAsync(kv, rpc, []))).ShouldBe(new Status(StatusCode.Unimplemented, detail));

    private static async Task FirstAsync(Kv kv, string rpc, byte[] request)
    {
        using GrpcRawCall call = kv.Channel.StartRaw(rpc, request, timeout: TimeSpan.FromSeconds(20));
        while (await call.MoveNextAsync())
        {
            // A stream may get an answer before it fails.
        }
    }
}
