using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;

namespace PgEtcd.Frontend.Compaction;

/// <summary>All that a frontend does about compaction beside answering Compact.</summary>
public sealed class Compactor
{
    /// <summary>Beyond the request timeout, after which no frontend asks any more whether an append happened.</summary>
    private static readonly TimeSpan InDoubtMargin = TimeSpan.FromSeconds(3);

    private readonly AutoCompaction? _auto;

    /// <param name="database">The store's database.</param>
    /// <param name="replica">Shows the revisions.</param>
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
            new RemovalPace(options.BatchLimit, options.SleepInterval, requestTimeout + InDoubtMargin, options.HistoryRetention),
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

    /// <summary>The leader's job, every <see cref="Removal.Period"/>.</summary>
    public Removal Removal { get; }

    /// <summary>Auto-compaction; ends when cancelled, or at once when it is off.</summary>
    public Task RunAutoCompactionAsync(CancellationToken cancellationToken) => _auto?.RunAsync(cancellationToken) ?? Task.CompletedTask;
}
