using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Api.Gateway;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Gateway;

/// <summary>etcd's JSON, value by value (semantics.md §13).</summary>
public class JsonReadingTests
{
    [Theory]
    [InlineData("5", 5)]
    [InlineData("\"5\"", 5)]
    [InlineData("-5", -5)]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("1e2", 100)]
    [InlineData("\"1e2\"", 100)]
    [InlineData("1.0", 1)]
    [InlineData("1250e-1", 125)]
    [InlineData("null", 0)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("\"-9223372036854775808\"", long.MinValue)]
    public void Integers_may_be_written_in_any_JSON_form(string value, long expected) =>
        Range($$"""{"limit":{{value}}}""").Limit.ShouldBe(expected);

    [Theory]
    [InlineData("1.5")]
    [InlineData("\"1.5\"")]
    [InlineData("\"\"")]
    [InlineData("\" 5\"")]
    [InlineData("\"5 \"")]
    [InlineData("\"+5\"")]
    [InlineData("\"05\"")]
    [InlineData("\".5e1\"")]
    [InlineData("\"5\\n\"")]
    [InlineData("05")]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("1e400")]
    [InlineData("\"1e29\"")]
    [InlineData("\"0x5\"")]
    [InlineData("\"NaN\"")]
    [InlineData("true")]
    [InlineData("[5]")]
    [InlineData("{}")]
    public void Anything_but_an_integer_of_64_bits_is_refused(string value) =>
        Refused(RangeRequest.Descriptor, $$"""{"limit":{{value}}}""");

    [Theory]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("\"18446744073709551615\"", ulong.MaxValue)]
    public void Ids_are_unsigned(string value, ulong expected) =>
        ((MemberRemoveRequest)Read(MemberRemoveRequest.Descriptor, $$"""{"ID":{{value}}}""")).ID.ShouldBe(expected);

    [Theory]
    [InlineData("-1")]
    [InlineData("18446744073709551616")]
    public void Ids_are_neither_negative_nor_longer_than_64_bits(string value) =>
        Refused(MemberRemoveRequest.Descriptor, $$"""{"ID":{{value}}}""");

    [Theory]
    [InlineData("", "")]
    [InlineData("AA==", "00")]
    [InlineData("AA", "00")]
    [InlineData("Zm9v", "666F6F")]
    [InlineData("_-8=", "FFEF")]
    [InlineData("_-8", "FFEF")]
    [InlineData("/+8=", "FFEF")]
    [InlineData("/+8", "FFEF")]
    [InlineData("\\u005a\\u006d9v", "666F6F")]
    public void Bytes_are_base64_of_either_alphabet_padded_or_not(string text, string expected) =>
        Convert.ToHexString(Range($$"""{"key":"{{text}}"}""").Key.Span).ShouldBe(expected);

    [Theory]
    [InlineData("\"***\"")]
    [InlineData("\"A\"")]
    [InlineData("\"Zm9vA\"")]
    [InlineData("\"_+8=\"")]
    [InlineData("\"Zm9v====\"")]
    [InlineData("\"=\"")]
    [InlineData("\"schlüssel\"")]
    [InlineData("5")]
    [InlineData("{}")]
    public void Malformed_base64_is_refused(string value) => Refused(RangeRequest.Descriptor, $$"""{"key":{{value}}}""");

    [Theory]
    [InlineData("\"DESCEND\"", RangeRequest.Types.SortOrder.Descend)]
    [InlineData("2", RangeRequest.Types.SortOrder.Descend)]
    [InlineData("9", (RangeRequest.Types.SortOrder)9)]
    [InlineData("-1", (RangeRequest.Types.SortOrder)(-1))]
    [InlineData("\"SIDEWAYS\"", RangeRequest.Types.SortOrder.None)]
    [InlineData("\"descend\"", RangeRequest.Types.SortOrder.None)]
    [InlineData("\"2\"", RangeRequest.Types.SortOrder.None)]
    public void Enums_are_names_or_numbers_and_unknown_names_are_ignored(string value, RangeRequest.Types.SortOrder expected) =>
        Range($$"""{"sort_order":{{value}}}""").SortOrder.ShouldBe(expected);

    [Fact]
    public void Unknown_enum_names_are_ignored_in_lists_too() =>
        ((WatchCreateRequest)Read(WatchCreateRequest.Descriptor, """{"filters":["NOPUT","NOSUCH",1,7]}""")).Filters
            .Select(filter => (int)filter)
            .ShouldBe([0, 1, 7]);

    [Theory]
    [InlineData("""{"sort_order":1.5}""")]
    [InlineData("""{"sort_order":true}""")]
    [InlineData("""{"sort_order":4294967296}""")]
    [InlineData("""{"serializable":"true"}""")]
    [InlineData("""{"serializable":1}""")]
    [InlineData("""{"key":"YQ==","key":"YQ=="}""")]
    [InlineData("""{"key":null,"key":"YQ=="}""")]
    [InlineData("""{"range_end":"YQ==","rangeEnd":"YQ=="}""")]
    [InlineData("""{"key":"YQ==",}""")]
    [InlineData("""{"key" "YQ=="}""")]
    [InlineData("""{key:"YQ=="}""")]
    [InlineData("""{'key':"YQ=="}""")]
    [InlineData("""{"x":]""")]
    [InlineData("""{/**/}""")]
    [InlineData("""{"x":[}]}""")]
    [InlineData("{\"x\":\"\u0001\"}")]
    public void Malformed_requests_are_refused(string json) => Refused(RangeRequest.Descriptor, json);

    [Theory]
    [InlineData("""{"key":"aw==",}""", "proto: syntax error (line 1:15): not valid JSON")]
    [InlineData("{\n\"key\": nonsense}", "proto: syntax error (line 2:9): not valid JSON")]
    [InlineData("{", "proto: syntax error (line 1:2): not valid JSON")]
    public void The_position_of_malformed_JSON_is_reported_without_details_of_the_reader(string json, string message) =>
        Should.Throw<RpcException>(() => Read(RangeRequest.Descriptor, json)).Status.Detail.ShouldBe(message);

    [Theory]
    [InlineData("""{"name":5}""")]
    [InlineData("""{"name":"\ud800"}""")]
    [InlineData("""{"name":["a"]}""")]
    [InlineData("""{"options":[]}""")]
    [InlineData("""{"options":5}""")]
    public void Strings_and_messages_accept_no_other_type(string json) => Refused(AuthUserAddRequest.Descriptor, json);

    [Fact]
    public void Strings_that_are_not_UTF8_are_refused()
    {
        byte[] text = Encoding.Latin1.GetBytes("{\"name\":\"\u00ff\"}");
        Should.Throw<RpcException>(() => JsonReading.Read(AuthUserAddRequest.Descriptor, text)).StatusCode
            .ShouldBe(StatusCode.InvalidArgument);
        byte[] name = Encoding.Latin1.GetBytes("{\"\u00ff\":1}");
        Should.Throw<RpcException>(() => JsonReading.Read(AuthUserAddRequest.Descriptor, name)).StatusCode
            .ShouldBe(StatusCode.InvalidArgument);
    }

    [Theory]
    [InlineData("""{"success":[{"request_put":{},"request_range":{}}]}""")]
    [InlineData("""{"compare":[{"version":0,"value":"YQ=="}]}""")]
    [InlineData("""{"success":{"request_put":{}}}""")]
    [InlineData("""{"success":[null]}""")]
    [InlineData("""{"success":["a"]}""")]
    public void Malformed_transactions_are_refused(string json) => Refused(TxnRequest.Descriptor, json);

    [Fact]
    public void A_oneof_member_may_be_null_beside_another()
    {
        Compare compare = ((TxnRequest)Read(TxnRequest.Descriptor, """{"compare":[{"version":0,"value":null}]}""")).Compare[0];
        compare.TargetUnionCase.ShouldBe(Compare.TargetUnionOneofCase.Version);
    }

    [Fact]
    public void Unknown_fields_are_ignored_whatever_they_hold()
    {
        string deep = string.Concat(Enumerable.Repeat("[{\"x\":", 2000)) + "1" + string.Concat(Enumerable.Repeat("}]", 2000));
        Range($$"""{"no_such":{{deep}},"Key":"Yg==","no_such":[null,true,1e999],"KEY":5,"key":"YQ=="}""").Key.ToStringUtf8().ShouldBe("a");
    }

    [Fact]
    public void Messages_may_be_nested_as_deep_as_in_binary_and_no_deeper()
    {
        TxnRequest deepest = (TxnRequest)Read(TxnRequest.Descriptor, Nested(50));
        TxnRequest.Parser.ParseFrom(deepest.ToByteArray()).ShouldBe(deepest);
        Refused(TxnRequest.Descriptor, Nested(51));
        Refused(TxnRequest.Descriptor, Nested(4000));

        static string Nested(int levels) =>
            string.Concat(Enumerable.Repeat("{\"success\":[{\"request_txn\":", levels)) + "{}" + string.Concat(
                Enumerable.Repeat("}]}", levels));
    }

    private static RangeRequest Range(string json) => (RangeRequest)Read(RangeRequest.Descriptor, json);

    private static IMessage Read(MessageDescriptor type, string json) => JsonReading.Read(type, Encoding.UTF8.GetBytes(json));

    private static void Refused(MessageDescriptor type, string json) =>
        Should.Throw<RpcException>(() => Read(type, json)).StatusCode.ShouldBe(StatusCode.InvalidArgument);
}
