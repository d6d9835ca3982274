using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Api.Connections;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Gateway;

/// <summary>Turns a client's JSON into the encoded requests of a call.</summary>
/// <param name="method">The method.</param>
/// <param name="body">The JSON.</param>
internal sealed class GatewayRequests(MethodDescriptor method, JsonBody body) : IAsyncStreamReader<byte[]>
{
    private bool _any;
    private bool _ended;

    public byte[] Current { get; private set; } = [];

    /// <summary>The error that replaces the service's answer, because the first request is malformed or the body broke off; null if
    /// there is none.</summary>
    public RpcException? Refusal { get; private set; }

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (_ended)
        {
            return false;
        }

        try
        {
            byte[]? text = await body.NextAsync(cancellationToken);
            _ended = text is null;
            if (_ended && (_any || method.IsClientStreaming))
            {
                return false;
            }

            Current = text is null ? [] : JsonReading.Read(method.InputType, text).ToByteArray(); // an empty body is an empty message
            _any = true;
            return true;
        }
        catch (RpcException refusal)
        {
            return Refuse(refusal);
        }
        catch (HeldTooMuchException)
        {
            return Refuse(EtcdErrors.RequestTooManyRequests.ToException());
        }
        catch (BadHttpRequestException malformed)
        {
            // The client may also have gone in the middle of its request. Either way no more can be read, and the call must end.
            _ended = true;
            Refusal = new RpcException(new Status(StatusCode.InvalidArgument, malformed.Message));
            throw new OperationCanceledException("The request broke off.", malformed);
        }
        catch (IOException lost)
        {
            throw new OperationCanceledException("The client dropped the call.", lost);
        }
    }

    /// <summary>As in etcd, a malformed first request fails the call; a later one only ends the requests.</summary>
    private bool Refuse(RpcException refusal)
    {
        _ended = true;
        Refusal = _any ? null : refusal;
        return _any ? false : throw refusal;
    }
}
