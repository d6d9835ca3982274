using Npgsql;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Frontend.Leases;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Snapshots;
using PgEtcd.Frontend.Watching;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Members;
using PgEtcd.Postgres.Migrations;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Composition;

// The lock order of a frontend. A thread that holds one of these takes only locks that are listed beneath it with a larger number:
//
//   1. MetricsRegistry   reading the gauges asks for the counts of WatchHub and WriteQueue
//   2. WatchHub          handing out events reads RecentEvents and fills WatchQueues
//      Replica           a move forward adds to RecentEvents and drops PagedStates
//      WriteQueue        evaluating a Txn may read an older revision from PagedStates
//   3. RecentEvents, PagedStates, WatchQueue, Rounds, Defragmentation, LeaderJobs, FairTurns: take no other
//
// Locks of the same number are never held together. Replica raises Advanced, which takes WatchHub's gate, after it has released its
// own; a WatchQueue and Rounds complete their waiters outside of theirs. No lock is held across an await. The semaphores are: Membership's
// across a heartbeat, CatchUp's across a read of the log, Alarms' across a change. None is taken with one of these locks held.

/// <summary>A frontend at work: the database, the replica loaded from it, and the parts that keep the two together.</summary>
public sealed class RunningFrontend : IAsyncDisposable
{
    /// <summary>Time limit of the first connection.</summary>
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stopping = new();
    private readonly LeaderJobs _jobs;
    private readonly Task _background;

    private RunningFrontend(
        Database database, RevisionLog log, Replica replica, AuthStates auth, long term, Leader leader, Membership membership,
        ServerOptions options, ILoggerFactory loggers)
    {
        Database = database;
        Term = term;
        Leader = leader;
        Membership = membership;
        _jobs = new LeaderJobs(leader, TimeProvider.System, loggers.CreateLogger<LeaderJobs>());
        HandOver = new HandOver(membership, leader, database, TimeProvider.System, options.RequestTimeout);
        Replica = replica;
        Tail tail = Tail = new(log, replica, auth, database, options.RequestTimeout, TimeProvider.System);
        Alarms = new Alarms(
            new AlarmTable(database), database, replica, tail, () => membership.Self.Id, options.RequestTimeout,
            loggers.CreateLogger<Alarms>());
        Committer committer = Committer = new(log, replica, tail, auth, database, options.RequestTimeout, TimeProvider.System)
        {
            DiskIsFull = Alarms.DiskIsFull,
            Timer = new CommitTimer(loggers.CreateLogger<Committer>(), options.Logging.SlowCommit),
        };
        Past past = new(new StateReader(database), replica, tail, database, options.RequestTimeout);
        Reader = new KeyReader(replica, tail, past);
        Writer = new KeyWriter(replica, committer, past);
        CompactionMark = new CompactionMark(replica, tail, log, database, options.RequestTimeout);
        AuthTable authTable = new(database);
        Auth = new FrontendAuth(
            auth, authTable, new TokenTable(database), tail.CatchUpAsync, database, log.Frontend, options.Auth, options.RequestTimeout,
            loggers.CreateLogger<FrontendAuth>());
        StorageTable storage = new(database);
        Sizes = new StorageSizes(storage, database, replica.Recent, TimeProvider.System);
        Quota = new Quota(options.QuotaBackendBytes, Sizes, Alarms);
        Maintenance = new StoreMaintenance(
            new HashReader(database), storage, Sizes, new Defragmentation(new Vacuum(database), _stopping.Token), database,
            options.RequestTimeout);
        Snapshots = new SnapshotSender(database, options.RequestTimeout);
        LeaseTable leases = new(database);
        Leases = new LeaseStore(leases, database, replica, tail, committer, options.RequestTimeout) { DiskIsFull = Alarms.DiskIsFull };
        _ = new LeaseExpiry(leases, Leases, membership.Run, _jobs, loggers.CreateLogger<LeaseExpiry>()).RunAsync();
        FailoverCheck failover = new(log, replica, tail, auth, authTable, loggers.CreateLogger<FailoverCheck>());
        database.ServerChanged = failover.RunAsync;
        Watches = new WatchHub(
            replica, new EventReader(database), options.WatchProgressNotifyInterval, TimeProvider.System, loggers.CreateLogger<WatchHub>());
        tail.IsFollowed = () => Watches.IsWatched;
        tail.IsCut = failover.ReportCut;
        Compactor compactor = new(
            database, replica, CompactionMark, options.Compaction, options.RequestTimeout, () => leader.IsLeader, TimeProvider.System,
            loggers);
        _ = _jobs.RunWhileLeadingAsync("the removal of superseded rows", Removal.Period, compactor.Removal.RunAsync);
        _ = _jobs.RunWhileLeadingAsync("the digest of the log", DigestTable.Period, new DigestTable(database).RecordAsync);
        if (options.SqlWriteTimeout > TimeSpan.Zero)
        {
            AppendLockGuard guard = new(
                new AppendLockTable(database), options.SqlWriteTimeout, TimeProvider.System, loggers.CreateLogger<AppendLockGuard>());
            _ = _jobs.RunWhileLeadingAsync("the guard of the append lock", guard.Period, guard.RunAsync);
        }

        Removal = compactor.Removal;
        _ = Sizes.RefreshAsync();
        _background = Task.WhenAll(
            Alarms.RunAsync(_stopping.Token),
            compactor.RunAutoCompactionAsync(_stopping.Token),
            new LogListener(database, log, loggers.CreateLogger<LogListener>()).RunAsync(tail.WakeAsync, _stopping.Token));
    }

    /// <summary>Reads keys.</summary>
    public KeyReader Reader { get; }

    /// <summary>Writes keys.</summary>
    public KeyWriter Writer { get; }

    /// <summary>Compacts.</summary>
    public CompactionMark CompactionMark { get; }

    /// <summary>Users and their permissions.</summary>
    public FrontendAuth Auth { get; }

    /// <summary>Leases.</summary>
    public LeaseStore Leases { get; }

    /// <summary>Watches.</summary>
    public WatchHub Watches { get; }

    /// <summary>Alarms.</summary>
    public Alarms Alarms { get; }

    /// <summary>The size of the store.</summary>
    public StorageSizes Sizes { get; }

    /// <summary>The limit of that size.</summary>
    public Quota Quota { get; }

    /// <summary>Hashes, defragmentation, downgrades.</summary>
    public StoreMaintenance Maintenance { get; }

    /// <summary>Snapshots.</summary>
    public SnapshotSender Snapshots { get; }

    /// <summary>Whether this frontend leads.</summary>
    public Leader Leader { get; }

    /// <summary>The frontends that are alive, this one among them.</summary>
    public Membership Membership { get; }

    /// <summary>Moves the leadership.</summary>
    public HandOver HandOver { get; }

    /// <summary>The database.</summary>
    internal Database Database { get; }

    /// <summary>Sentences about harmful settings of the database.</summary>
    public IReadOnlyList<string> UnmetSettings => Database.UnmetSettings;

    /// <summary>The state.</summary>
    internal Replica Replica { get; }

    /// <summary>Follows the log and moves the state forward.</summary>
    internal Tail Tail { get; }

    /// <summary>Commits batches of writes.</summary>
    internal Committer Committer { get; }

    /// <summary>Removes compacted rows.</summary>
    internal Removal Removal { get; }

    /// <summary>PostgreSQL's term when the frontend started.</summary>
    public long Term { get; }

    /// <summary>Connects, migrates, loads the state and begins to follow the log.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="options">The flags.</param>
    /// <param name="loggers">Where to log.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="DatabaseStartException">The database cannot be used.</exception>
    public static async Task<RunningFrontend> StartAsync(
        string connectionString, ServerOptions options, IProgress<LoadedRows> progress, ILoggerFactory loggers,
        CancellationToken cancellationToken)
    {
        Database database = new(connectionString, new SchemaName(options.Schema), loggers, password: options.DatabasePassword);
        try
        {
            await database.ConnectAsync(ConnectLimit, cancellationToken);
            Migrator migrator = new(database, loggers.CreateLogger<Migrator>());
            await (options.MayMigrate
                ? migrator.MigrateAsync(cancellationToken)
                : migrator.CheckAsync("--migrate=never", cancellationToken));
            RevisionLog log = new(database, options.Name);
            long term = await log.ObserveTermAsync(cancellationToken);
            (LogPosition position, KeySpace keys) = await new StateLoader(database).LoadAsync(progress, cancellationToken);
            Leader leader = new(TimeProvider.System, loggers.CreateLogger<Leader>());
            Replica replica = new(keys, position.AuthRevision, position.Alarms);
            Membership membership = new(
                database, leader, log.Frontend, Identities(options, log.Frontend), () => replica.Current.Revision, TimeProvider.System,
                loggers.CreateLogger<Membership>());
            await membership.JoinAsync(cancellationToken);
            AuthStates auth = await AuthStates.StartAsync(new AuthTable(database), cancellationToken); // after the state: never older
            return new RunningFrontend(database, log, replica, auth, term, leader, membership, options, loggers);
        }
        catch (Exception exception)
        {
            await database.DisposeAsync();
            if (ToStartException(exception, options.Schema) is { } refusal)
            {
                throw refusal;
            }

            throw;
        }
    }

    /// <summary>The identities to register under, in order of preference: by the name; if another frontend has that, by the name and
    /// the addresses, which are the same after a restart; or else by this run.</summary>
    private static Member[] Identities(ServerOptions options, string run) =>
        [.. new[] { options.Name, $"{options.Name} {string.Join(',', options.AdvertiseClientUrls)}", run }
            .Select(name => ClusterIdentity.From(name, options.InitialClusterToken, options.InitialAdvertisePeerUrls))
            .Select(identity => new Member(
                (long)identity.MemberId, options.Name, options.AdvertiseClientUrls, options.InitialAdvertisePeerUrls))];

    /// <summary>Ends the jobs and then the membership, so that another frontend leads at once.</summary>
    public async Task LeaveAsync()
    {
        Leader.Resign();
        await _jobs.StoppedAsync();
        await Membership.LeaveAsync();
    }

    private static DatabaseStartException? ToStartException(Exception exception, string schema) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused => new(
            $"--schema: the database user may not use all of schema '{schema}': {refused.MessageText}.", exception),
        PostgresException refused => new(
            $"--database: PostgreSQL refused the work on schema '{schema}': {refused.MessageText}.", exception),
        _ when DatabaseErrors.IsTransient(exception) => new(
            $"--database: PostgreSQL went away during the start ({exception.GetBaseException().Message.TrimEnd('.')}).", exception),
        _ => null,
    };

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        await Membership.DisposeAsync();
        Leader.Dispose();
        await _stopping.CancelAsync();
        await _background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Committer.Dispose();
        Watches.Dispose();
        Alarms.Dispose();
        await Auth.DisposeAsync();
        await Database.DisposeAsync();
        _stopping.Dispose();
    }
}
