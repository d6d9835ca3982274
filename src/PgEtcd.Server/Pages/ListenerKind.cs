using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PgEtcd.Server.Pages;

/// <summary>What a listener serves.</summary>
internal enum ListenerKind
{
    /// <summary>gRPC and HTTP.</summary>
    Everything,

    /// <summary>gRPC, because --listen-client-http-urls serve the rest.</summary>
    GrpcOnly,

    /// <summary>All HTTP and no gRPC.</summary>
    HttpOnly,

    /// <summary>Metrics and health.</summary>
    Metrics,
}

/// <summary>Remembers with each connection by which listener it came.</summary>
internal static class ListenerKinds
{
    private static readonly object Key = typeof(ListenerKind);

    /// <summary>Marks the connections of a listener.</summary>
    public static void Mark(this ListenOptions listen, ListenerKind kind) => listen.Use(next => connection =>
    {
        connection.Items[Key] = kind;
        return next(connection);
    });

    /// <summary>By what kind of listener a request came.</summary>
    public static ListenerKind Listener(this HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(Key, out object? kind) == true
            ? (ListenerKind)kind!
            : ListenerKind.Everything;
}
