using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace PgEtcd.Api.Connections;

/// <summary>
/// Tells HTTP/2 from HTTP/1.1 on a connection without TLS by its first bytes. Kestrel chooses by the protocol that TLS
/// negotiated, so a connection that opens with HTTP/2's preface is presented as one that negotiated "h2".
/// </summary>
internal sealed class PlaintextProtocols(ConnectionDelegate next, TimeSpan limit)
{
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        bool? http2 = await ReadsPrefaceAsync(connection);
        if (http2 is null)
        {
            return;
        }

        if (http2.Value)
        {
            NegotiatedHttp2 negotiated = new();
            connection.Features.Set<ITlsApplicationProtocolFeature>(negotiated);
            connection.Features.Set<ITlsConnectionFeature>(negotiated);
        }

        await next(connection);
    }

    /// <summary>Whether the connection opens with the preface; null if too few bytes arrive in time, or the connection ends
    /// without any.</summary>
    private async Task<bool?> ReadsPrefaceAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        using CancellationTokenSource timer = new(limit); // a closed connection ends the read by itself, after the bytes it sent
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync(timer.Token);
                ReadOnlySequence<byte> buffer = read.Buffer;
                bool? answer = LooksLikeHttp2(buffer);
                // Nothing is consumed. Bytes that decide nothing count as examined, so that the next read waits for more.
                input.AdvanceTo(buffer.Start, answer is null ? buffer.End : buffer.Start);
                if (answer is not null)
                {
                    return answer;
                }

                if (read.IsCompleted)
                {
                    return buffer.IsEmpty ? null : false;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    /// <summary>Whether the bytes are HTTP/2's preface; null if more are needed to tell.</summary>
    private static bool? LooksLikeHttp2(ReadOnlySequence<byte> buffer)
    {
        ReadOnlySpan<byte> preface = Preface;
        Span<byte> start = stackalloc byte[preface.Length];
        int length = (int)Math.Min(buffer.Length, preface.Length);
        buffer.Slice(0, length).CopyTo(start);
        return !preface.StartsWith(start[..length]) ? false
            : length == preface.Length ? true
            : null;
    }

    private sealed class NegotiatedHttp2 : ITlsApplicationProtocolFeature, ITlsConnectionFeature
    {
        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = "h2"u8.ToArray();

        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
            Task.FromResult<X509Certificate2?>(null);
    }
}
