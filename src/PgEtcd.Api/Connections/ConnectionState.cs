using Microsoft.AspNetCore.Connections.Features;

namespace PgEtcd.Api.Connections;

/// <summary>What is known about the connection of a request.</summary>
internal static class ConnectionState
{
    /// <summary>The address of its client, for the log.</summary>
    public static string Client(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "a Unix socket";

    /// <summary>Gets or makes an object of a connection.</summary>
    /// <param name="context">A request on it.</param>
    /// <param name="key">Names the object.</param>
    /// <param name="make">Makes it when the connection has none; called under a lock.</param>
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
