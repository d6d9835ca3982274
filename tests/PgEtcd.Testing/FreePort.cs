using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Testing;

/// <summary>TCP ports for servers under test.</summary>
public static class FreePort
{
    // Below the kernel's range for outgoing connections, which could otherwise take a port between the check here
    // and its use. Every process starts at a different number, so that test assemblies running side by side rarely
    // collide.
    private const int First = 15000;
    private const int Count = 16000;

    private static int _next = Environment.ProcessId * 131 % Count;

    /// <summary>A free port of 127.0.0.1; calls in one process do not return the same one twice in a short time.</summary>
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
