using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Grpc.Http;

namespace PgEtcd.Grpc.Local;

/// <summary>
/// One call within the process, in encoded messages. Both directions wait when the other side does not read, so neither holds
/// more than a message and a buffer. Requests and responses may be handled by different tasks, each by one at a time.
/// </summary>
public sealed class LocalCall : IAsyncDisposable
{
    private readonly Pipe _requests = new();
    private readonly Pipe _responses = new();
    private readonly CancellationTokenSource _ended;
    private readonly HttpContext _context;
    private readonly Task _served;

    internal LocalCall(RequestDelegate serve, string method, HttpContext cause, IHeaderDictionary metadata, CancellationToken ended)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(ended);
        _context = LocalContext.Create(method, cause, metadata, _requests.Reader, _responses.Writer, _ended.Token);
        _served = ServeAsync(serve);
    }

    /// <summary>How the call ended; known once <see cref="ReadAsync"/> has given null.</summary>
    public Status Status { get; private set; }

    /// <summary>Sends a request message.</summary>
    /// <returns>False when the call is over and nobody reads it.</returns>
    /// <exception cref="OperationCanceledException">The token fired before there was room.</exception>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        PipeWriter writer = _requests.Writer;
        MessageSerializer.WritePrefix(writer.GetSpan(MessageSerializer.PrefixLength), message.Length);
        writer.Advance(MessageSerializer.PrefixLength);
        writer.Write(message.Span);
        FlushResult flush = await writer.FlushAsync(cancellationToken);
        return !flush.IsCompleted;
    }

    /// <summary>Says that no more requests come.</summary>
    public void EndRequests() => _requests.Writer.Complete();

    /// <summary>Waits for the next response message.</summary>
    /// <returns>The message; null when the call has ended.</returns>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async ValueTask<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult read = await _responses.Reader.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (TryTake(ref buffer, out byte[] message))
            {
                _responses.Reader.AdvanceTo(buffer.Start);
                return message;
            }

            _responses.Reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                await _served;
                Status = ReadStatus();
                return null;
            }
        }
    }

    /// <summary>Cancels the call if it has not ended, and waits until its service has noticed. No other method may be running.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _requests.Writer.CompleteAsync();
        await _responses.Reader.CompleteAsync();
        await _served;
        _ended.Dispose();
    }

    private static bool TryTake(ref ReadOnlySequence<byte> buffer, out byte[] message)
    {
        message = [];
        if (buffer.Length < MessageSerializer.PrefixLength)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[MessageSerializer.PrefixLength];
        buffer.Slice(0, MessageSerializer.PrefixLength).CopyTo(prefix);
        int length = BinaryPrimitives.ReadInt32BigEndian(prefix[1..]);
        if (buffer.Length < MessageSerializer.PrefixLength + (long)length)
        {
            return false;
        }

        message = buffer.Slice(MessageSerializer.PrefixLength, length).ToArray();
        buffer = buffer.Slice(MessageSerializer.PrefixLength + (long)length);
        return true;
    }

    private async Task ServeAsync(RequestDelegate serve)
    {
        try
        {
            await serve(_context);
        }
        finally
        {
            await _requests.Reader.CompleteAsync();
            await _responses.Writer.CompleteAsync();
        }
    }

    // In the trailers if anything was sent before, else in the headers.
    private Status ReadStatus()
    {
        IHeaderDictionary trailers = _context.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
        IHeaderDictionary fields = trailers.GrpcStatus.Count > 0 ? trailers : _context.Response.Headers;
        return int.TryParse(fields.GrpcStatus, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
            ? new Status((StatusCode)code, MetadataValue.DecodeMessage(fields.GrpcMessage.ToString()))
            : new Status(StatusCode.Internal, "The call ended without a status.");
    }
}
