namespace PgEtcd.Api;

/// <summary>What a request may ask for, and how long it may take.</summary>
public sealed record RequestLimits
{
    /// <summary>What gRPC accepts, and a piece of a fragmented watch response holds, beyond <see cref="MaxRequestBytes"/>: as in etcd.</summary>
    public const int FramingAllowance = 512 * 1024;

    /// <summary>Largest request in bytes, before the allowance for framing.</summary>
    public required int MaxRequestBytes { get; init; }

    /// <summary>Most operations in one branch of a transaction.</summary>
    public required int MaxTxnOps { get; init; }

    /// <summary>Shortest lease, whole seconds.</summary>
    public required long MinLeaseTtlSeconds { get; init; }

    /// <summary>How long a request may take.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>From when on a request counts as slow, and is logged (--warning-unary-request-duration).</summary>
    public required TimeSpan SlowRequest { get; init; }

    /// <summary>Largest message in bytes that gRPC reads.</summary>
    public int MaxMessageBytes => MaxRequestBytes + FramingAllowance;
}
