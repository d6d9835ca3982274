using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace PgEtcd.Api.Connections;

/// <summary>The body of a request, counted. In a stream of messages, only bytes that have not been used yet count; in any other request
/// all received bytes count, because the message lives as long as the request. A request beyond its connection's share ends with
/// <see cref="HeldTooMuchException"/>.</summary>
/// <remarks>HTTP/2's windows set no bound: Kestrel opens them for bytes that a reader has examined, and readers examine all bytes while
/// they look for the end of a message.</remarks>
/// <param name="context">The request.</param>
/// <param name="all">The memory held by requests.</param>
/// <param name="logger">Logs once for each connection whose requests are refused.</param>
/// <param name="messages">The messages to read; null for the body.</param>
internal sealed class HeldRequest(HttpContext context, HeldBytes all, ILogger logger, PipeReader? messages = null)
    : PipeReader, IRequestBodyPipeFeature, IDisposable
{
    private readonly IRequestBodyPipeFeature _body = context.Features.GetRequiredFeature<IRequestBodyPipeFeature>();
    private Lock? _gate; // few requests are long enough to need one
    private PipeReader? _inner = messages;
    private HeldBytes.Account? _account;
    private ReadOnlySequence<byte> _buffer;
    private long _used;
    private long _taken;
    private bool _isOver;

    public PipeReader Reader => this;

    /// <summary>Whether the request has many messages, each of which counts only until its bytes have been used.</summary>
    private bool IsStream { get; set; }

    private PipeReader Inner => _inner ??= _body.Reader;

    /// <summary>Counts the bodies of requests. Must come before all middleware that reads them.</summary>
    public static RequestDelegate Around(RequestDelegate next, HeldBytes all, ILogger logger) => context =>
    {
        context.Features.Set<IRequestBodyPipeFeature>(new HeldRequest(context, all, logger));
        return next(context);
    };

    /// <summary>Counts messages that do not come in the body.</summary>
    public static PipeReader Of(HttpContext context, PipeReader messages) =>
        context.Features.Get<IRequestBodyPipeFeature>() is HeldRequest request ? request.OfMessages(messages) : messages;

    /// <summary>Marks a request as a stream of messages.</summary>
    public static void MarkStream(HttpContext context)
    {
        if (context.Features.Get<IRequestBodyPipeFeature>() is HeldRequest request)
        {
            request.IsStream = true;
        }
    }

    private HeldRequest OfMessages(PipeReader messages) => new(context, all, logger, messages) { IsStream = true };

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = Inner.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? new(Counted(read.Result)) : CountedAsync(read);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!Inner.TryRead(out result))
        {
            return false;
        }

        result = Counted(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        long used = _buffer.Slice(0, consumed).Length;
        long left = _buffer.Length - used;
        _used += used;
        _buffer = default;
        Inner.AdvanceTo(consumed, examined);
        if (IsStream && _taken > left)
        {
            Settle(left);
        }
    }

    public override void CancelPendingRead() => Inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => Inner.Complete(exception);

    /// <summary>Gives everything back when the request is over.</summary>
    public void Dispose()
    {
        lock (_gate!)
        {
            _isOver = true;
            _account?.Give(_taken);
            _taken = 0;
        }
    }

    private async ValueTask<ReadResult> CountedAsync(ValueTask<ReadResult> read) => Counted(await read);

    private ReadResult Counted(in ReadResult read)
    {
        _buffer = read.Buffer;
        long held = _buffer.Length + (IsStream ? 0 : _used);
        if (held > HeldBytes.Uncounted && held > _taken && !Settle(held))
        {
            Inner.AdvanceTo(_buffer.End);
            if (_account!.IsFirstRefusal())
            {
                Log.HeldTooMuch(logger, ConnectionState.Client(context));
            }

            throw new HeldTooMuchException();
        }

        return read;
    }

    /// <summary>Takes or gives back the difference; false if there is no room.</summary>
    private bool Settle(long held)
    {
        lock (_gate ??= new Lock())
        {
            if (_isOver)
            {
                return true;
            }

            if (_account is null)
            {
                _account = all.Of(context);
                context.Response.RegisterForDispose(this);
            }

            if (held > _taken && !_account.TryTake(held - _taken))
            {
                return false;
            }

            if (held < _taken)
            {
                _account.Give(_taken - held);
            }

            _taken = held;
            return true;
        }
    }
}

/// <summary>Unfinished or unanswered requests of the connection hold too much memory.</summary>
internal sealed class HeldTooMuchException()
    : BadHttpRequestException("Requests of this connection hold too much memory.", StatusCodes.Status413PayloadTooLarge);
