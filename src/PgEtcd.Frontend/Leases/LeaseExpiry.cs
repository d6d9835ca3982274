using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>The leader's job of revoking leases that are over (design §7), each with its keys in one revision, as a client
/// would revoke it.</summary>
public sealed class LeaseExpiry(LeaseTable table, LeaseStore leases, string run, LeaderJobs jobs, ILogger<LeaseExpiry> logger)
{
    /// <summary>etcd's own measures: how often it looks, and how many it revokes at a time (semantics.md §8).</summary>
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private const int Most = 500;

    /// <summary>The log names it as the author of the deletions.</summary>
    private static readonly Origin Origin = new(Caller.Server, "lease expiry");

    /// <summary>Goes on until the frontend stops.</summary>
    public Task RunAsync() => jobs.RunWhileLeadingAsync("the expiry of leases", Period, ExpireAsync);

    /// <summary>One turn.</summary>
    /// <param name="cancellationToken">Cancelled when we no longer lead.</param>
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
            // Evaluated together and appended together. A client may have revoked one before us: that is an answer too.
            WriteAnswer[] answers = await Task.WhenAll(over.Select(id => leases.RevokeAsync(id, Origin))).WaitAsync(cancellationToken);
            LeaseMetrics.Expired.Add(answers.Count(answer => answer.Error is null));
        }
    }
}
