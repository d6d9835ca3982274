using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>The leader's job that revokes expired leases (design §7), each with its keys in one revision.</summary>
public sealed class LeaseExpiry(LeaseTable table, LeaseStore leases, string run, LeaderJobs jobs, ILogger<LeaseExpiry> logger)
{
    /// <summary>etcd's values: the interval of checks, and the most leases revoked at a time (semantics.md §8).</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private const int Most = 500;

    /// <summary>The author of the deletions in the log.</summary>
    private static readonly Origin Origin = new(Caller.Server, "lease expiry");

    /// <summary>Runs until the frontend stops.</summary>
    public Task RunAsync() => jobs.RunWhileLeadingAsync("the expiry of leases", Period, ExpireAsync);

    /// <summary>Revokes the leases that have expired.</summary>
    /// <param name="cancellationToken">Cancelled when this frontend no longer leads.</param>
    internal async Task ExpireAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<long>? over = await table.ExpiredAsync(run, Most, cancellationToken);
        if (over is null)
        {
            if (await table.RenewAllAsync(run, cancellationToken) is { } renewed and > 0)
            {
                Log.LeasesRenewed(logger, renewed);
            }

            return;
        }

        if (over.Count > 0)
        {
            // They are evaluated and appended together. A lease that a client has revoked first gives an error, which is fine.
            WriteAnswer[] answers = await Task.WhenAll(over.Select(id => leases.RevokeAsync(id, Origin))).WaitAsync(cancellationToken);
            LeaseMetrics.Expired.Add(answers.Count(answer => answer.Error is null));
        }
    }
}
