using System.IO.Pipelines;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Wire;

namespace PgEtcd.Api.Calls;

/// <summary>Sends the answers of unary calls that are longer than a few kilobytes: each when its connection has room for it, and a long one
/// in pieces as the client reads. Until then an answer is only references to records.</summary>
/// <param name="held">What unread answers hold.</param>
internal sealed class LongAnswers(HeldBytes held)
{
    /// <summary>What a long one holds at most: the piece that is written, and what Kestrel lets lie before it.</summary>
    private const int MostHeld = 2 * Pieces.Size;

    /// <summary>The gateway has an answer as bytes, as a message and as JSON.</summary>
    private const int FormsOfLocal = 4;

    /// <summary>Whether an answer is one of them.</summary>
    public static bool IsLong(object answer) => answer is KvReply { Size: > HeldBytes.Uncounted };

    /// <summary>Waits for room, and writes a long answer.</summary>
    /// <returns>The answer, or one in its place that writes nothing.</returns>
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

    /// <summary>Room that is given back when the response has been sent, or cannot be.</summary>
    private sealed class Room(HeldBytes.Account account, long bytes) : IDisposable
    {
        public void Dispose() => account.Give(bytes);
    }
}
