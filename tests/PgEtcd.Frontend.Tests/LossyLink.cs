using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace PgEtcd.Frontend.Tests;

/// <summary>A connection to PostgreSQL that loses answers: now and then it breaks instead of passing an answer on, after the request has
/// been executed.</summary>
internal sealed class LossyLink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly NpgsqlConnectionStringBuilder _server;
    private volatile int _losesOneIn;

    public LossyLink(NpgsqlConnectionStringBuilder server)
    {
        _server = server;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Of so many answers one is lost; 0: none.</summary>
    public int LosesOneIn
    {
        set => _losesOneIn = value;
    }

    /// <summary>To the server, this way.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder(_server.ConnectionString)
    {
        Host = IPAddress.Loopback.ToString(),
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
    }.ConnectionString;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient server = new() { NoDelay = true };
        try
        {
            using (client)
            {
                client.NoDelay = true;
                await server.ConnectAsync(_server.Host!, _server.Port);
                Task requests = client.GetStream().CopyToAsync(server.GetStream());
                byte[] buffer = new byte[64 * 1024];
                while (await server.GetStream().ReadAsync(buffer) is > 0 and int read
                    && (_losesOneIn == 0 || Random.Shared.Next(_losesOneIn) > 0))
                {
                    await client.GetStream().WriteAsync(buffer.AsMemory(0, read));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // Either side has gone.
        }
    }
}
