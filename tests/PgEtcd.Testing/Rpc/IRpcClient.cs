using Grpc.Core;

namespace PgEtcd.Testing.Rpc;

/// <summary>Calls rpcs by name with requests in JSON.</summary>
public interface IRpcClient
{
    /// <summary>Calls an RPC and returns its normalised answer.</summary>
    Task<RpcAnswer> CallAsync(string rpc, string request, Metadata? headers = null);
}
