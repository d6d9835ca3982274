using System.Buffers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using PgEtcd.Api.Gateway;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Gateway;

/// <summary>The JSON of a message holds all of its content, for PgEtcd's reader and for protobuf's.</summary>
public class JsonRoundTripTests
{
    private const int Count = 200;

    private static readonly JsonFormatter Theirs = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    public static TheoryData<string> Types => [.. AllTypes.Keys.Order()];

    private static Dictionary<string, MessageDescriptor> AllTypes => GatewayRoutes.ByPath.Values
        .SelectMany(method => new[] { method.InputType, method.OutputType })
        .DistinctBy(type => type.FullName)
        .ToDictionary(type => type.FullName);

    [Theory]
    [MemberData(nameof(Types))]
    public void Messages_survive_JSON(string typeName)
    {
        MessageDescriptor type = AllTypes[typeName];
        RandomMessages messages = new(new Random(typeName.Length));
        for (int i = 0; i < Count; i++)
        {
            IMessage message = messages.Next(type);
            byte[] ours = Written(message);
            JsonReading.Read(type, ours).ShouldBe(message);
            JsonParser.Default.Parse(Encoding.UTF8.GetString(ours), type).ShouldBe(message);
            JsonReading.Read(type, Encoding.UTF8.GetBytes(Theirs.Format(message))).ShouldBe(message);
            JsonReading.Read(type, Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(message))).ShouldBe(message, "in camel case");
            JsonElement.DeepEquals(
                JsonSerializer.Deserialize<JsonElement>(ours), JsonSerializer.Deserialize<JsonElement>(Theirs.Format(message)))
                .ShouldBeTrue("the same fields are left out");
        }
    }

    [Fact]
    public void A_response_looks_like_etcds()
    {
        RangeResponse response = new()
        {
            Header = new ResponseHeader { ClusterId = ulong.MaxValue, Revision = 7 },
            Kvs =
            {
                new Protocol.Mvccpb.KeyValue
                {
                    Key = ByteString.CopyFrom(0xff, 0xef), ModRevision = 7, Value = ByteString.CopyFromUtf8("?>"),
                },
            },
            Count = 1,
        };
        Encoding.UTF8.GetString(Written(response)).ShouldBe(
            """{"header":{"cluster_id":"18446744073709551615","revision":"7"},"kvs":["""
            + """{"key":"/+8=","mod_revision":"7","value":"Pz4="}],"count":"1"}""");
        Encoding.UTF8.GetString(Written(new TxnResponse { Responses = { new ResponseOp { ResponseTxn = new TxnResponse() } } })).ShouldBe(
            """{"responses":[{"response_txn":{}}]}""");
        Encoding.UTF8.GetString(Written(new Compare { Version = 0, Target = Compare.Types.CompareTarget.Mod })).ShouldBe(
            """{"target":"MOD","version":"0"}""");
    }

    private static byte[] Written(IMessage message)
    {
        ArrayBufferWriter<byte> output = new();
        using (Utf8JsonWriter json = JsonWriting.To(output))
        {
            JsonWriting.Write(json, message);
        }

        return output.WrittenSpan.ToArray();
    }
}
