using System.Text;
using PgEtcd.Console.Texts;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Texts;

/// <summary>Values in each form.</summary>
public sealed class ValueFormsTests
{
    /// <summary>A Pod named web in the namespace shop, with an image, as an API server stores it.</summary>
    private static readonly byte[] Pod = Convert.FromHexString(
        "6b387300"
        + "0a090a0276311203506f64"
        + "121e" + "0a0b" + "0a03776562" + "1a0473686f70" + "120f" + "120d" + "0a046d61696e" + "1205" + "6e67696e78"
        + "1a002200");

    [Theory]
    [InlineData("""{"a": 1}""", ValueForm.Json)]
    [InlineData("[1, 2]", ValueForm.Json)]
    [InlineData("17", ValueForm.Text)]
    [InlineData("{not json", ValueForm.Text)]
    [InlineData("", ValueForm.Text)]
    [InlineData("\0", ValueForm.Hex)]
    public void The_best_form_comes_first(string value, ValueForm form) => ValueForms.Of(Encoding.UTF8.GetBytes(value))[0].ShouldBe(form);

    [Fact]
    public void Json_keeps_its_numbers_when_it_is_indented() =>
        Encoding.UTF8.GetString(ValueForms.Json("""{"big":12345678901234567890.10,"text":"<ü>"}"""u8.ToArray()))
            .ShouldBe("{\n  \"big\": 12345678901234567890.10,\n  \"text\": \"<ü>\"\n}");

    [Fact]
    public void Yaml_has_the_content_of_the_json() =>
        ValueForms.Yaml("""{"name":"web","on":"true","count":1.50,"list":["a b",null],"lines":"one\ntwo\n"}"""u8.ToArray())
            .ShouldBe("name: web\n\"on\": \"true\"\ncount: 1.50\nlist:\n- a b\n- null\nlines: |\n  one\n  two\n");

    [Fact]
    public void The_tokens_of_json_make_up_the_whole_text()
    {
        byte[] json = ValueForms.Json("""{"a\"b":["x\\",1,true,null,{}],"é":-1e9}"""u8.ToArray());
        JsonTokens.Read(json).SelectMany(token => token.Bytes).ShouldBe(json);
        JsonTokens.Read(json).First(token => token.Kind == "j-name").Bytes.ShouldBe("\"a\\\"b\""u8.ToArray());
    }

    [Fact]
    public void An_object_of_Kubernetes_is_described()
    {
        ValueForms.Of(Pod)[0].ShouldBe(ValueForm.Kubernetes);
        Objects.Describe(Pod).ShouldBe(new Objects.Description("Pod", "v1", "shop", "web"));
        Objects.Strings(Pod).Select(found => Encoding.UTF8.GetString(found.Text)).ShouldBe(["web", "shop", "main", "nginx"]);
    }

    [Fact]
    public void An_object_cut_anywhere_is_harmless()
    {
        for (int length = 4; length < Pod.Length; length++)
        {
            Objects.Describe(Pod.AsSpan(0, length)).ShouldNotBeNull();
            Objects.Strings(Pod.AsSpan(0, length)).Count.ShouldBeLessThanOrEqualTo(4);
        }
    }

    [Fact]
    public void Hex_has_offsets_and_printable_characters() => ValueForms.Hex("hello, wörld\0!!!"u8)
        .ShouldBe(
            "00000000  68 65 6c 6c 6f 2c 20 77  c3 b6 72 6c 64 00 21 21  hello, w··rld·!!\n"
            + "00000010  21                                                !\n");

    [Fact]
    public void A_difference_leaves_out_unchanged_lines()
    {
        string[] lines = [.. Enumerable.Range(1, 30).Select(line => $"line {line}")];
        string old = string.Join('\n', lines);
        lines[14] = "line changed";
        Comparison comparison = Comparison.Of(Encoding.UTF8.GetBytes(old), Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        comparison.Lines.Select(line => line.Skipped).ShouldBe([11, 0, 0, 0, 0, 0, 0, 0, 12]);
        comparison.Lines[4].Old!.Kind.ShouldBe("removed");
        string.Concat(comparison.Lines[4].New!.Parts.Select(part => part.Text)).ShouldBe("line changed");
        Comparison.Of(null, "a"u8.ToArray()).Lines.Single().New!.Kind.ShouldBe("added");
    }
}
