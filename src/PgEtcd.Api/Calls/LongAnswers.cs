using System.IO.Pipelines;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Wire;

namespace PgEtcd.Api.Calls;

/// <summary>Sends answers of unary calls that exceed a few kilobytes. Each waits until its connection has room, and those beyond 64 KiB
/// are written in pieces as the client reads. Until then an answer consists only of references to records.</summary>
/// <param name="held">Memory held by unread answers.</param>
internal sealed class LongAnswers(HeldBytes held)
{
    /// <summary>Most bytes held by an answer in pieces: the piece being written, and the bytes that Kestrel buffers before it.</summary>
    private const int MostHeld = 2 * Pieces.Size;

    /// <summary>The gateway holds an answer as bytes, as a message and as JSON, which is longer.</summary>
    private const int FormsOfLocal = 4;

    /// <summary>Whether an answer must be sent by <see cref="SendAsync"/>.</summary>
    public static bool IsLong(object answer) => answer is KvReply { Size: > HeldBytes.Uncounted };

    /// <summary>Waits for room, and writes an answer that exceeds one piece.</summary>
    /// <returns>The answer, or a copy that is marked as written and writes nothing.</returns>
    /// <exception cref="OperationCanceledException">The client has gone, or its deadline has passed.</exception>
    public async Task<KvReply> SendAsync(KvReply answer, CallContext call)
    {
        int size = ProtoWriter.MessageSize(answer.Size);
        CancellationToken ended = call.CancellationToken;
        HeldBytes.Account account = held.Of(call.Http);
        long bytes = call is LocalCall ? (long)FormsOfLocal * size : Math.Min(size, MostHeld);
        await account.TakeAsync(bytes, ended);
        call.Http.Response.RegisterForDispose(new Room(account, bytes));
        if (call is LocalCall || size <= Pieces.Size)
        {
            return answer;
        }

        try
        {
            await WriteAsync(answer, size, call, ended);
            return answer with { IsWritten = true };
        }
        catch (Exception exception) when (Endings.IsOver(exception, call, ended))
        {
            throw Endings.Gone(exception);
        }
    }

    private static async Task WriteAsync(KvReply answer, int size, CallContext call, CancellationToken ended)
    {
        await call.Http.Response.StartAsync(CancellationToken.None);
        PipeWriter output = call.Http.Response.BodyWriter;
        MessageFrame.WritePrefix(output, size);
        int unflushed = 0;
        foreach (int piece in KvReply.Marshaller.Pieces(answer, output))
        {
            unflushed += piece;
            if (unflushed >= Pieces.Size)
            {
                unflushed = 0;
                // A token would reset the stream when it fires.
                await Endings.FlushedAsync(output.FlushAsync(CancellationToken.None), call, ended, ended);
            }
        }
    }

    /// <summary>Gives room back when the response has been sent or has failed.</summary>
    private sealed class Room(HeldBytes.Account account, long bytes) : IDisposable
    {
        public void Dispose() => account.Give(bytes);
    }
}
