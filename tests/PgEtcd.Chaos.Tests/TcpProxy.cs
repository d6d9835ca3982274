using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Chaos.Tests;

/// <summary>A proxy between a frontend and PostgreSQL. While it is paused, nothing passes in either direction and neither side gets an
/// error, as in a network that has gone silent.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly int _target;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private volatile TaskCompletionSource _open = new();

    /// <param name="target">A port of 127.0.0.1.</param>
    public TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _open.SetResult();
        _accepting = AcceptAsync();
    }

    /// <summary>The port on 127.0.0.1 to connect to.</summary>
    public int Port { get; }

    /// <summary>Blocks all data from now on.</summary>
    public void Pause() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Passes on the data held back, and new data.</summary>
    public void Resume() => _open.SetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient from = client;
        using TcpClient to = new() { NoDelay = true };
        from.NoDelay = true;
        try
        {
            await _open.Task.WaitAsync(_stop.Token);
            await to.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            await Task.WhenAny(CopyAsync(from.GetStream(), to.GetStream()), CopyAsync(to.GetStream(), from.GetStream()));
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // The other side reports the error.
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer, _stop.Token)) > 0)
            {
                await _open.Task.WaitAsync(_stop.Token);
                await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Closed.
        }
    }
}
