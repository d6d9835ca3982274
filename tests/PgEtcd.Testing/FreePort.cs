using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Testing;

/// <summary>TCP ports for servers under test.</summary>
public static class FreePort
{
    // Below the kernel's range for outgoing connections, which would otherwise take a port between being
    // found free here and being listened on. Every process starts elsewhere, so that test assemblies that
    // run side by side rarely meet.
    private const int First = 15000;
    private const int Count = 16000;

    private static int _next = Environment.ProcessId * 131 % Count;

    /// <summary>A port of 127.0.0.1 on which nobody listens; no two calls in a process give the same one soon.</summary>
    public static int Next()
    {
        for (int attempt = 0; attempt < Count; attempt++)
        {
            int port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            if (IsFree(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException("No free port was found.");
    }

    private static bool IsFree(int port)
    {
        using TcpListener listener = new(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
