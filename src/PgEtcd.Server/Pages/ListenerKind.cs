using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PgEtcd.Server.Pages;

/// <summary>The protocols and paths that a listener serves.</summary>
internal enum ListenerKind
{
    /// <summary>gRPC and HTTP.</summary>
    Everything,

    /// <summary>gRPC alone, because --listen-client-http-urls serve the rest.</summary>
    GrpcOnly,

    /// <summary>All HTTP and no gRPC.</summary>
    HttpOnly,

    /// <summary>Metrics and health.</summary>
    Metrics,
}

/// <summary>Attaches the listener's kind to each of its connections.</summary>
internal static class ListenerKinds
{
    private static readonly object Key = typeof(ListenerKind);

    /// <summary>Marks the connections of a listener.</summary>
    public static void Mark(this ListenOptions listen, ListenerKind kind) => listen.Use(next => connection =>
    {
        connection.Items[Key] = kind;
        return next(connection);
    });

    /// <summary>The kind of the listener that a request came through.</summary>
    public static ListenerKind Listener(this HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(Key, out object? kind) == true
            ? (ListenerKind)kind!
            : ListenerKind.Everything;
}
