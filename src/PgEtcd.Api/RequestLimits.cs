namespace PgEtcd.Api;

/// <summary>Limits of requests.</summary>
public sealed record RequestLimits
{
    /// <summary>Bytes beyond <see cref="MaxRequestBytes"/> that gRPC accepts and that a fragment of a watch response may have, as in
    /// etcd.</summary>
    public const int FramingAllowance = 512 * 1024;

    /// <summary>Largest request in bytes, before the allowance for framing.</summary>
    public required int MaxRequestBytes { get; init; }

    /// <summary>Most operations in one branch of a transaction.</summary>
    public required int MaxTxnOps { get; init; }

    /// <summary>Shortest lease, whole seconds.</summary>
    public required long MinLeaseTtlSeconds { get; init; }

    /// <summary>Longest wait of a request for the database.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>The duration from which a request counts as slow and is logged (--warning-unary-request-duration).</summary>
    public required TimeSpan SlowRequest { get; init; }

    /// <summary>Largest message in bytes that gRPC reads.</summary>
    public int MaxMessageBytes => MaxRequestBytes + FramingAllowance;
}
