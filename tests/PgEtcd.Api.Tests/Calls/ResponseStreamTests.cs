using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Metrics;
using PgEtcd.Api.Wire;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Responses on their way into a pipe that replaces Kestrel.</summary>
public sealed class ResponseStreamTests : IDisposable
{
    private static readonly Marshaller<string> Announced = Marshallers.Create<string>(
        static (text, context) =>
        {
            context.SetPayloadLength(text.Length);
            System.Text.Encoding.ASCII.GetBytes(text, context.GetBufferWriter().GetSpan(text.Length));
            context.GetBufferWriter().Advance(text.Length);
            context.Complete();
        },
        static _ => throw new NotSupportedException());

    private static readonly Marshaller<string> InOnePiece = Marshallers.Create<string>(
        static (text, context) =>
            context.Complete(System.Text.Encoding.ASCII.GetBytes(text)), static _ => throw new NotSupportedException());

    private readonly Meter _meter = new(nameof(ResponseStreamTests));
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0));
    private readonly LocalCall _call;

    public ResponseStreamTests()
    {
        DefaultHttpContext http = new();
        http.Features.Set<IHttpResponseBodyFeature>(new Body(_pipe.Writer));
        _call = new LocalCall("/service/method", http, new HeaderDictionary(), CancellationToken.None);
    }

    [Fact]
    public async Task A_message_follows_its_length()
    {
        await Stream(Announced).WriteAsync("ab");
        await Stream(InOnePiece).WriteAsync("");
        await Stream(InOnePiece).WriteAsync("c");
        Flushed().ShouldBe([0, 0, 0, 0, 2, (byte)'a', (byte)'b', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'c']);
    }

    [Fact]
    public async Task A_message_waits_for_the_next_one_but_not_for_the_first_and_not_beyond_64_KiB()
    {
        using ResponseStream<string> responses = Stream(Announced);
        await responses.WriteAsync("1", moreFollows: true);
        Flushed().Length.ShouldBe(6, "the response has begun");

        await responses.WriteAsync("2", moreFollows: true);
        Flushed().ShouldBeEmpty();
        await responses.WriteAsync("3", moreFollows: false);
        Flushed().Length.ShouldBe(12);

        await responses.WriteAsync(new string('x', 40_000), moreFollows: true);
        Flushed().ShouldBeEmpty();
        await responses.WriteAsync(new string('x', 40_000), moreFollows: true);
        Flushed().Length.ShouldBe(80_010);
    }

    [Fact]
    public async Task A_disconnected_client_is_a_cancellation_even_before_the_token_fires()
    {
        await _pipe.Reader.CompleteAsync();
        _call.CancellationToken.IsCancellationRequested.ShouldBeFalse();
        await Should.ThrowAsync<OperationCanceledException>(() => Stream(Announced).WriteAsync("x"));
    }

    /// <summary>Fault A4: a long message was written at once.</summary>
    [Fact]
    public async Task A_long_message_is_written_as_it_is_read()
    {
        using ResponseStream<string> responses = Narrow(out Pipe narrow);
        Task writing = responses.WriteAsync(new string('x', 1_000_000));
        long most = 0;
        long read = 0;
        while (read < 1_000_005)
        {
            System.Buffers.ReadOnlySequence<byte> buffer = (await narrow.Reader.ReadAsync()).Buffer;
            writing.IsCompleted.ShouldBeFalse();
            most = Math.Max(most, buffer.Length);
            read += buffer.Length;
            narrow.Reader.AdvanceTo(buffer.End);
        }

        await writing;
        most.ShouldBeLessThan(70_000);
    }

    [Fact]
    public async Task A_long_message_that_is_not_read_ends_with_its_call()
    {
        using ResponseStream<string> responses = Narrow(out _);
        using CancellationTokenSource end = new();
        Task writing = responses.WriteAsync(new string('x', 1_000_000), end.Token);
        writing.IsCompleted.ShouldBeFalse();
        await end.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task Nothing_is_written_when_the_call_has_ended()
    {
        ResponseStream<string> responses = Stream(Announced);
        responses.Dispose();
        await Should.ThrowAsync<OperationCanceledException>(() => responses.WriteAsync("x"));
        await _pipe.Writer.FlushAsync();
        Flushed().ShouldBeEmpty();
    }

    /// <summary>Responses that wait once a kilobyte is unread.</summary>
    private ResponseStream<string> Narrow(out Pipe pipe)
    {
        pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1000, resumeWriterThreshold: 1, useSynchronizationContext: false));
        _call.Http.Features.Set<IHttpResponseBodyFeature>(new Body(pipe.Writer));
        return Stream(new LongMarshaller<string>(
            static (_, _) => throw new NotSupportedException(), static text => text.Length,
            static (text, output) => Pieces.Write(output, System.Text.Encoding.ASCII.GetBytes(text))));
    }

    public void Dispose()
    {
        _call.Dispose();
        _meter.Dispose();
    }

    private ResponseStream<string> Stream(Marshaller<string> marshaller)
    {
        Method<string, string> method = new(MethodType.ServerStreaming, "service", "method", marshaller, marshaller);
        return new ResponseStream<string>(
            marshaller, _call, new MethodMetrics(_meter, hasHandlingTimes: false, new CallsByVersion(_meter), method));
    }

    private byte[] Flushed()
    {
        if (!_pipe.Reader.TryRead(out ReadResult read))
        {
            return [];
        }

        byte[] bytes = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
        _pipe.Reader.AdvanceTo(read.Buffer.End);
        return bytes;
    }

    private sealed class Body(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => writer.AsStream();

        public PipeWriter Writer => writer;

        public void DisableBuffering() => throw new NotSupportedException();

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public Task CompleteAsync() => Task.CompletedTask;
    }
}
