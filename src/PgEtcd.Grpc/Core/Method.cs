namespace Grpc.Core;

/// <summary>Which side of a call sends a stream.</summary>
public enum MethodType
{
    /// <summary>One request, one response.</summary>
    Unary,

    /// <summary>Many requests, one response.</summary>
    ClientStreaming,

    /// <summary>One request, many responses.</summary>
    ServerStreaming,

    /// <summary>Many of both.</summary>
    DuplexStreaming,
}

/// <summary>The name and shape of a method.</summary>
public interface IMethod
{
    /// <summary>Which sides stream.</summary>
    MethodType Type { get; }

    /// <summary>The service with its package: <c>etcdserverpb.KV</c>.</summary>
    string ServiceName { get; }

    /// <summary>The method alone: <c>Put</c>.</summary>
    string Name { get; }

    /// <summary>The path of its calls: <c>/etcdserverpb.KV/Put</c>.</summary>
    string FullName { get; }
}

/// <summary>A method with the ways to read its requests and write its responses.</summary>
public class Method<TRequest, TResponse>(
    MethodType type, string serviceName, string name, Marshaller<TRequest> requestMarshaller, Marshaller<TResponse> responseMarshaller) : IMethod
{
    public MethodType Type => type;

    public string ServiceName => serviceName;

    public string Name => name;

    public string FullName { get; } = $"/{serviceName}/{name}";

    /// <summary>Reads and writes requests.</summary>
    public Marshaller<TRequest> RequestMarshaller => requestMarshaller;

    /// <summary>Reads and writes responses.</summary>
    public Marshaller<TResponse> ResponseMarshaller => responseMarshaller;
}
