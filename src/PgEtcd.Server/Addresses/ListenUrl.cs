using System.Net;

namespace PgEtcd.Server.Addresses;

/// <summary>An address to listen on.</summary>
/// <param name="Address">The IP address, or null for <c>localhost</c>: both loopback addresses, where the machine has both.</param>
/// <param name="Port">The port; 0 lets the system choose.</param>
public sealed record ListenUrl(IPAddress? Address, int Port)
{
    /// <summary>Path of a Unix socket, as it was given; null for TCP. With a path, address and port mean nothing.</summary>
    public string? SocketPath { get; init; }

    /// <summary>https:// or unixs://.</summary>
    public bool IsTls { get; init; }

    /// <summary>True for 0.0.0.0 and [::], which no client can connect to by that name.</summary>
    public bool IsUnspecified => Address is not null && (Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any));

    /// <summary>A Unix socket.</summary>
    public static ListenUrl Socket(string path, bool isTls = false) => new(null, 0) { SocketPath = path, IsTls = isTls };

    /// <summary>The URL as it was given.</summary>
    public override string ToString() =>
        SocketPath is null ? WithHost(Address?.ToString() ?? "localhost") : $"{(IsTls ? "unixs" : "unix")}://{SocketPath}";

    /// <summary>The URL with another host, and the brackets that an IPv6 address needs.</summary>
    internal string WithHost(string host) => $"{(IsTls ? "https" : "http")}://{(host.Contains(':') ? $"[{host}]" : host)}:{Port}";
}
