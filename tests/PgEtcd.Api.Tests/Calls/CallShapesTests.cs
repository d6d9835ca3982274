using Google.Protobuf;
using PgEtcd.Api.Calls;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

public class CallShapesTests
{
    private static readonly ByteString Key = ByteString.CopyFromUtf8("a\n\"b");
    private static readonly ByteString Secret = ByteString.CopyFromUtf8("hunter2");

    public static TheoryData<IMessage, string> Requests => new()
    {
        { new PutRequest { Key = Key, Value = Secret, Lease = 7 }, """put "a\x0a\x22b", value of 7 bytes, with a lease""" },
        { new RangeRequest { Key = Key }, """range "a\x0a\x22b" """ },
        {
            new RangeRequest
            {
                Key = ByteString.CopyFromUtf8("a"), RangeEnd = ByteString.CopyFromUtf8("b"), Revision = 3, Limit = 10, KeysOnly = true,
            },
            """range from "a" to "b" at 3, limit 10, keys only"""
        },
        {
            new RangeRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), CountOnly = true, Serializable = true },
            """range from "\x00" on, count only, serializable"""
        },
        { new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(new string('k', 200)) }, $"""delete "{new string('k', 100)}…" """ },
        { new CompactionRequest { Revision = 9, Physical = true }, "compact at 9, physical" },
        {
            new TxnRequest
            {
                Compare = { new Compare { Key = ByteString.CopyFromUtf8("c"), Value = Secret } },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = Key, Value = Secret } } },
            },
            """1 compares, 1 or 0 operations on "c", 33 bytes"""
        },
        { new AuthUserAddRequest { Name = "root", Password = "hunter2" }, "15 bytes" },
        { new AuthenticateRequest { Name = "root", Password = "hunter2" }, "15 bytes" },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void A_request_is_its_keys_and_sizes(IMessage request, string shape)
    {
        CallShapes.OfRequest(request).ShouldBe(shape.TrimEnd());
        CallShapes.OfRequest(request).ShouldNotContain("hunter2");
    }

    [Fact]
    public void An_ending_is_shown_as_a_size_or_an_error()
    {
        CallShapes.OfEnding(new LeaseGrantResponse { ID = 1 }).ShouldBe("2 bytes");
        CallShapes.OfEnding(EtcdErrors.Timeout.ToException()).ShouldBe("Unavailable etcdserver: request timed out");
        CallShapes.OfEnding(new TimeoutException("secret")).ShouldBe("TimeoutException");
    }
}
