using PgEtcd.Frontend.Members;

namespace PgEtcd.Api.Hosting;

/// <summary>The host's settings for the API.</summary>
public sealed record ApiOptions
{
    /// <summary>Limits of requests.</summary>
    public required RequestLimits Limits { get; init; }

    /// <summary>The ids in every response's header.</summary>
    public required ClusterIdentity Identity { get; init; }

    /// <summary>The raft term in every response's header; at least 1.</summary>
    public required ulong Term { get; init; }

    /// <summary>Whether each call gets a span.</summary>
    public bool HasTracing { get; init; }

    /// <summary>Whether each method has a histogram of its handling time (--metrics=extensive).</summary>
    public bool HasHandlingTimes { get; init; }

    /// <summary>Whether a client's certificate names its user (--client-cert-auth).</summary>
    public bool TrustsCertificates { get; init; }
}
