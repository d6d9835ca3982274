using Google.Protobuf;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Members;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Wire;

public class ResponseHeadersTests
{
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 2, 3, 4)]
    [InlineData(ulong.MaxValue, 0x8000000000000000, long.MaxValue, ulong.MaxValue)]
    [InlineData(0, 7, 1L << 31, 128)]
    public void The_header_as_written_is_the_header_as_a_message(ulong member, ulong cluster, long revision, ulong term)
    {
        ResponseHeaders headers = new(new ClusterIdentity(member, cluster), term);

        headers.At(revision).ShouldBe(new ResponseHeader { MemberId = member, ClusterId = cluster, Revision = revision, RaftTerm = term });
        Written(headers, revision).ShouldBe(new RangeResponse { Header = headers.At(revision) }.ToByteArray());
        headers.Size(revision).ShouldBe(headers.At(revision).CalculateSize());
    }

    private static byte[] Written(ResponseHeaders headers, long revision)
    {
        CapturedMessage target = new(spare: 0);
        ProtoWriter writer = new(target);
        headers.WriteField(ref writer, 1, revision);
        writer.Flush();
        return target.Bytes;
    }
}
