using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;

namespace PgEtcd.Testing.Grpc;

/// <summary>One call with encoded messages. One writer and one reader at a time; disposing cancels the call.</summary>
public sealed class GrpcRawCall : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    private readonly HttpContent _content;
    private readonly CancellationTokenSource _cancel;
    private readonly Task<HttpResponseMessage> _response;
    private readonly bool _hasTimeout;
    private readonly CancellationToken _callerToken;
    private Stream? _body;
    private bool _ended;
    private bool _disposed;

    internal GrpcRawCall(
        HttpMessageInvoker http, Uri uri, HttpContent content, Metadata? headers, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        _content = content;
        _callerToken = cancellationToken;
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        HttpRequestMessage request = new(HttpMethod.Post, uri)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        if (timeout is { } limit)
        {
            // The server's own answer matters, so the client waits a little longer.
            _hasTimeout = true;
            request.Headers.TryAddWithoutValidation(
                "grpc-timeout", $"{Math.Max(1, (long)limit.TotalMilliseconds).ToString(CultureInfo.InvariantCulture)}m");
            _cancel.CancelAfter(limit + Grace);
        }

        foreach (Metadata.Entry entry in headers ?? [])
        {
            request.Headers.TryAddWithoutValidation(entry.Key, entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value);
        }

        _response = SendAsync(http, request);
    }

    /// <summary>The message found by the last <see cref="MoveNextAsync"/>.</summary>
    public byte[] Current { get; private set; } = [];

    /// <summary>The trailers; empty until the call has ended.</summary>
    public Metadata Trailers { get; private set; } = [];

    /// <summary>Waits for the response headers.</summary>
    public async Task<Metadata> ResponseHeadersAsync()
    {
        try
        {
            return ToMetadata((await _response.ConfigureAwait(false)).Headers);
        }
        catch (Exception e) when (Translate(e) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Sends one message.</summary>
    public Task WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default) =>
        WriteBytesAsync(GrpcFrame.Wrap(message.Span), cancellationToken);

    /// <summary>Sends bytes as they are: for tests that break the framing.</summary>
    public async Task WriteBytesAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        if (_content is not DuplexContent duplex)
        {
            throw new InvalidOperationException("The request of this call is already complete.");
        }

        try
        {
            using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(_cancel.Token, cancellationToken);
            Stream stream = await duplex.Stream.WaitAsync(linked.Token).ConfigureAwait(false);
            await stream.WriteAsync(bytes, linked.Token).ConfigureAwait(false);
            await stream.FlushAsync(linked.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (Translate(e, cancellationToken) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Ends the requests.</summary>
    public async Task CompleteAsync()
    {
        if (_content is not DuplexContent duplex)
        {
            return;
        }

        try
        {
            await duplex.Stream.ConfigureAwait(false);
        }
        catch (Exception e) when (Translate(e) is not null)
        {
            // Reading tells how the call ended.
        }

        duplex.Complete();
    }

    /// <summary>Waits for the next message; false when the server has ended the call with OK.</summary>
    public async Task<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        if (_ended)
        {
            return false;
        }

        try
        {
            HttpResponseMessage response = await _response.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (_body is null)
            {
                CheckHttp(response);
                _body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            }

            using (CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(_cancel.Token, cancellationToken))
            {
                byte[]? message = await GrpcFrame.ReadAsync(_body, linked.Token).ConfigureAwait(false);
                if (message is not null)
                {
                    Current = message;
                    return true;
                }
            }

            End(response);
            return false;
        }
        catch (Exception e) when (Translate(e, cancellationToken) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Cancels the call if it is not over.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _cancel.Cancel();
        (_content as DuplexContent)?.Fail(new OperationCanceledException("The call was disposed."));
        _response.ContinueWith(
            static r =>
            {
                if (r.IsCompletedSuccessfully)
                {
                    r.Result.Dispose();
                }
                else
                {
                    _ = r.Exception;
                }
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _content.Dispose();
        _cancel.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker http, HttpRequestMessage request)
    {
        try
        {
            // HttpMessageInvoker returns as soon as the headers have arrived.
            return await http.SendAsync(request, _cancel.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            (_content as DuplexContent)?.Fail(e);
            throw;
        }
    }

    private void End(HttpResponseMessage response)
    {
        _ended = true;
        (_content as DuplexContent)?.Complete();
        // A response without a body has its status in the headers.
        HttpResponseHeaders source = response.TrailingHeaders.NonValidated.Contains("grpc-status")
            ? response.TrailingHeaders
            : response.Headers;
        Trailers = ToMetadata(source);
        if (!int.TryParse(Trailers.GetValue("grpc-status"), CultureInfo.InvariantCulture, out int code))
        {
            throw new RpcException(new Status(StatusCode.Unknown, "The response has no grpc-status."), Trailers);
        }

        if (code != 0)
        {
            throw new RpcException(new Status((StatusCode)code, Uri.UnescapeDataString(Trailers.GetValue("grpc-message") ?? "")), Trailers);
        }
    }

    private static void CheckHttp(HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.OK)
        {
            return;
        }

        StatusCode code = (int)response.StatusCode switch
        {
            400 => StatusCode.Internal,
            401 => StatusCode.Unauthenticated,
            403 => StatusCode.PermissionDenied,
            404 => StatusCode.Unimplemented,
            429 or 502 or 503 or 504 => StatusCode.Unavailable,
            _ => StatusCode.Unknown,
        };
        throw new RpcException(new Status(code, $"HTTP status {(int)response.StatusCode}"), ToMetadata(response.Headers));
    }

    /// <summary>The RpcException for an exception of the transport; null if the exception should pass unchanged.</summary>
    private RpcException? Translate(Exception error, CancellationToken readToken = default)
    {
        Status? status = error switch
        {
            RpcException => null,
            OperationCanceledException or ObjectDisposedException when _hasTimeout && !_disposed && !_callerToken.IsCancellationRequested
                && !readToken.IsCancellationRequested
                => new Status(StatusCode.DeadlineExceeded, "The client gave up: the deadline is past.", error),
            OperationCanceledException or ObjectDisposedException => new Status(
                StatusCode.Cancelled, "The client cancelled the call.", error),
            InvalidDataException => new Status(StatusCode.Internal, error.Message, error),
            HttpProtocolException e => FromReset(e, error),
            HttpRequestException or IOException => error.InnerException is HttpProtocolException e
                ? FromReset(e, error)
                : new Status(StatusCode.Unavailable, error.Message, error),
            _ => null,
        };
        return status is { } s ? new RpcException(s) : null;
    }

    // The mapping of RST_STREAM codes in gRPC's PROTOCOL-HTTP2.md.
    private static Status FromReset(HttpProtocolException reset, Exception error) => reset.ErrorCode switch
    {
        // Without a reset, unless a server resets without an error, the connection has ended after a GOAWAY, and this call with it.
        0 when error is HttpRequestException => new Status(StatusCode.Unavailable, error.Message, error),
        7 => new Status(StatusCode.Unavailable, error.Message, error),
        8 => new Status(StatusCode.Cancelled, error.Message, error),
        0xb => new Status(StatusCode.ResourceExhausted, error.Message, error),
        0xc => new Status(StatusCode.PermissionDenied, error.Message, error),
        _ => new Status(StatusCode.Internal, error.Message, error),
    };

    private static Metadata ToMetadata(HttpResponseHeaders headers)
    {
        Metadata metadata = [];
        foreach ((string key, HeaderStringValues values) in headers.NonValidated)
        {
            foreach (string value in values)
            {
                if (key.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase))
                {
                    metadata.Add(key, Convert.FromBase64String(value.TrimEnd('=').PadRight((value.TrimEnd('=').Length + 3) / 4 * 4, '=')));
                }
                else
                {
                    metadata.Add(key, value);
                }
            }
        }

        return metadata;
    }
}
