using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>
/// Splits a body into JSON objects. As in etcd, text after the last requested object is never read.
/// </summary>
/// <param name="body">The body.</param>
/// <param name="limit">Largest object in bytes.</param>
internal sealed class JsonBody(PipeReader body, long limit)
{
    /// <summary>Waits for the next object.</summary>
    /// <returns>Its text; null at the end of the body.</returns>
    /// <exception cref="RpcException">InvalidArgument if the text is not an object, ResourceExhausted if it is too long.</exception>
    public async ValueTask<byte[]?> NextAsync(CancellationToken cancellationToken)
    {
        JsonScanner scanner = default;
        long scanned = 0;
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            bool found = false;
            try
            {
                found = scanner.Scan(buffer.Slice(scanned), ref scanned);
                if (scanned > limit)
                {
                    throw Refuse(StatusCode.ResourceExhausted, $"grpc: received message larger than max (more than {limit} bytes of JSON)");
                }

                if (found)
                {
                    return buffer.Slice(0, scanned).ToArray();
                }
            }
            finally
            {
                // Text after an object counts as not examined, so the next read returns at once.
                SequencePosition end = buffer.GetPosition(scanned);
                body.AdvanceTo(found ? end : buffer.Start, found ? end : buffer.End);
            }

            if (read.IsCompleted)
            {
                return scanner.HasBegun ? throw Refuse(StatusCode.InvalidArgument, "unexpected EOF") : null;
            }
        }
    }

    private static RpcException Refuse(StatusCode code, string message) => new(new Status(code, message));

    /// <summary>Finds the end of an object by counting braces and brackets outside of strings. Each byte is read once.</summary>
    private struct JsonScanner
    {
        private static readonly SearchValues<byte> Structure = SearchValues.Create("{}[]\""u8);

        private int _depth;
        private bool _inString;
        private bool _escaped;

        /// <summary>Whether the opening brace was found.</summary>
        public readonly bool HasBegun => _depth > 0;

        /// <summary>Scans the next piece.</summary>
        /// <param name="piece">The bytes that have arrived since the last one.</param>
        /// <param name="scanned">Counts the bytes, up to the end of the object.</param>
        /// <returns>Whether the end was found.</returns>
        /// <exception cref="RpcException">The text does not begin with a brace.</exception>
        public bool Scan(in ReadOnlySequence<byte> piece, ref long scanned)
        {
            foreach (ReadOnlyMemory<byte> segment in piece)
            {
                int length = Scan(segment.Span);
                if (length >= 0)
                {
                    scanned += length;
                    return true;
                }

                scanned += segment.Length;
            }

            return false;
        }

        /// <summary>The length up to the end of the object, or -1.</summary>
        private int Scan(ReadOnlySpan<byte> text)
        {
            int at = 0;
            while (at < text.Length)
            {
                if (_escaped)
                {
                    _escaped = false;
                    at++;
                    continue;
                }

                int next = !HasBegun ? text[at..].IndexOfAnyExcept(" \t\r\n"u8)
                    : _inString ? text[at..].IndexOfAny((byte)'"', (byte)'\\')
                    : text[at..].IndexOfAny(Structure);
                if (next < 0)
                {
                    return -1;
                }

                at += next + 1;
                if (Take(text[at - 1]))
                {
                    return at;
                }
            }

            return -1;
        }

        /// <summary>Takes one byte that matters; true if it ends the object.</summary>
        private bool Take(byte found)
        {
            if (!HasBegun && found != '{')
            {
                throw Refuse(StatusCode.InvalidArgument, $"invalid character {Shown(found)} looking for beginning of an object");
            }

            _escaped = found == '\\';
            _inString ^= found == '"';
            _depth += found is (byte)'{' or (byte)'[' ? 1 : found is (byte)'}' or (byte)']' ? -1 : 0;
            return _depth == 0;
        }

        private static string Shown(byte found) => found is > 0x20 and < 0x7f ? $"'{(char)found}'" : $"0x{found:x2}";
    }
}
