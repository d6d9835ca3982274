using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Compaction;

/// <summary>Everything that a frontend does for compaction, apart from answering Compact.</summary>
public sealed class Compactor
{
    /// <summary>Time beyond the request timeout after which no frontend can still ask whether its append happened.</summary>
    private static readonly TimeSpan InDoubtMargin = TimeSpan.FromSeconds(3);

    private readonly AutoCompaction? _auto;

    /// <param name="database">The store's database.</param>
    /// <param name="replica">Gives the revisions.</param>
    /// <param name="mark">The mark that auto-compaction moves.</param>
    /// <param name="options">How much history stays.</param>
    /// <param name="requestTimeout">How long a request may take.</param>
    /// <param name="isLeader">Whether this frontend leads.</param>
    /// <param name="clock">Measures all intervals.</param>
    /// <param name="loggers">Where to log.</param>
    public Compactor(
        Database database, Replica replica, CompactionMark mark, CompactionOptions options, TimeSpan requestTimeout, Func<bool> isLeader,
        TimeProvider clock, ILoggerFactory loggers)
    {
        Removal = new Removal(
            new RemovalTable(database),
            options,
            requestTimeout + InDoubtMargin,
            () => replica.Current.CompactRevision,
            clock,
            loggers.CreateLogger<Removal>());
        ICompactionPlan? plan = options switch
        {
            { RetainedPeriod: { Ticks: > 0 } period } => new PeriodicPlan(period),
            { RetainedRevisions: > 0 and var revisions } => new RevisionPlan(revisions),
            _ => null,
        };
        _auto = plan is null ? null : new AutoCompaction(
            plan, () => replica.Current.Revision, revision => mark.CompactAsync(revision, Origin.Server), isLeader, clock,
            loggers.CreateLogger<AutoCompaction>());
    }

    /// <summary>The leader's removal job, run every <see cref="Removal.Period"/>.</summary>
    public Removal Removal { get; }

    /// <summary>Runs auto-compaction until cancelled; returns at once if it is off.</summary>
    public Task RunAutoCompactionAsync(CancellationToken cancellationToken) => _auto?.RunAsync(cancellationToken) ?? Task.CompletedTask;
}
