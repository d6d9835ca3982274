using Microsoft.AspNetCore.Connections.Features;

namespace PgEtcd.Api.Connections;

/// <summary>Objects that belong to the connection of a request.</summary>
internal static class ConnectionState
{
    /// <summary>The client's address, for the log.</summary>
    public static string Client(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "a Unix socket";

    /// <summary>Gets or makes an object of a connection.</summary>
    /// <param name="context">A request of the connection.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="make">Makes the object if the connection has none; called under a lock.</param>
    public static T Of<T>(HttpContext context, object key, Func<T> make)
        where T : class
    {
        if (context.Features.Get<IConnectionItemsFeature>()?.Items is not { } items)
        {
            return make();
        }

        lock (items)
        {
            if (!items.TryGetValue(key, out object? known))
            {
                items[key] = known = make();
            }

            return (T)known!;
        }
    }
}
