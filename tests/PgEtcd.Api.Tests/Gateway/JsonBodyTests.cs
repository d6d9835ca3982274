using System.IO.Pipelines;
using System.Text;
using Grpc.Core;
using PgEtcd.Api.Gateway;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Gateway;

/// <summary>The boundaries between objects in a body, in whatever pieces it arrives.</summary>
public class JsonBodyTests
{
    private const long Limit = 1000;

    [Theory]
    [InlineData("", "")]
    [InlineData(" \r\n\t ", "")]
    [InlineData("{}", "{}")]
    [InlineData("  {\"a\": [1, {\"b\": 2}]}  ", "{\"a\": [1, {\"b\": 2}]}")]
    [InlineData("{}{}\n{\"a\":{}}", "{}|{}|{\"a\":{}}")]
    [InlineData("""{"a":"}","b":"\"}","c":"\\"}{}""", """{"a":"}","b":"\"}","c":"\\"}|{}""")]
    [InlineData("""{"{[":"[{\u005c"}""", """{"{[":"[{\u005c"}""")]
    public async Task Objects_are_found_one_by_one_however_they_arrive(string text, string expected)
    {
        for (int piece = 1; piece <= text.Length + 1; piece++)
        {
            JsonBody body = Arriving(text, piece);
            List<string> found = [];
            while (await body.NextAsync(CancellationToken.None) is { } json)
            {
                found.Add(Encoding.UTF8.GetString(json).Trim());
            }

            string.Join('|', found).ShouldBe(expected);
        }
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"\"")]
    [InlineData("5")]
    [InlineData("\ufeff{}")]
    [InlineData("{\"key\":\"Zm9v\"")]
    [InlineData("{\"key\":\"Zm9v")]
    [InlineData("{\"key\":\"}\\")]
    [InlineData("{")]
    public async Task Anything_but_a_whole_object_is_refused(string text)
    {
        for (int piece = 1; piece <= text.Length; piece++)
        {
            RpcException refusal = await Should.ThrowAsync<RpcException>(
                () => Arriving(text, piece).NextAsync(CancellationToken.None).AsTask());
            refusal.StatusCode.ShouldBe(StatusCode.InvalidArgument);
        }
    }

    [Fact]
    public async Task Text_behind_an_object_is_read_only_when_asked_for()
    {
        JsonBody body = Arriving("{} trailing", 100);
        (await body.NextAsync(CancellationToken.None)).ShouldBe("{}"u8.ToArray());
        await Should.ThrowAsync<RpcException>(() => body.NextAsync(CancellationToken.None).AsTask());
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    public async Task The_limit_is_exact(int length, bool accepted)
    {
        string text = $"{{\"a\":\"{new string('x', length - 8)}\"}}";
        text.Length.ShouldBe(length);
        Task<byte[]?> next = Arriving(text, 300).NextAsync(CancellationToken.None).AsTask();
        if (accepted)
        {
            (await next)!.Length.ShouldBe(length);
        }
        else
        {
            (await Should.ThrowAsync<RpcException>(() => next)).StatusCode.ShouldBe(StatusCode.ResourceExhausted);
        }
    }

    [Fact]
    public async Task Endless_white_space_counts_towards_the_limit() =>
        (await Should.ThrowAsync<RpcException>(() => Arriving(new string(' ', 5000), 300).NextAsync(CancellationToken.None).AsTask()))
            .StatusCode.ShouldBe(StatusCode.ResourceExhausted);

    /// <summary>A body that arrives in pieces of this size.</summary>
    private static JsonBody Arriving(string text, int piece)
    {
        Pipe pipe = new(new PipeOptions(minimumSegmentSize: 1, pauseWriterThreshold: 0, useSynchronizationContext: false));
        _ = WriteAsync();
        return new JsonBody(pipe.Reader, Limit);

        async Task WriteAsync()
        {
            foreach (byte[] bytes in Encoding.UTF8.GetBytes(text).Chunk(piece))
            {
                await pipe.Writer.WriteAsync(bytes);
                await Task.Yield();
            }

            await pipe.Writer.CompleteAsync();
        }
    }
}
