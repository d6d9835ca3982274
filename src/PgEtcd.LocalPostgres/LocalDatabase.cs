using Npgsql;

namespace PgEtcd.LocalPostgres;

/// <summary>A private PostgreSQL for use without a configured database: created at the first start, found again at the next.</summary>
/// <remarks>
/// Several frontends may be started on one data directory. The first starts PostgreSQL, the others join it, and the last to leave stops
/// it: every frontend holds a shared lock, and the one that can make it exclusive is alone. A killed frontend drops its lock and leaves
/// PostgreSQL running; the next one joins that. If PostgreSQL ends by itself, the first frontend to notice starts it again.
/// </remarks>
public sealed class LocalDatabase : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly DataDirectory _directory;
    private readonly PostgresUser _user;
    private readonly ILogger _logger;
    private readonly FileLock _usersLock;
    private readonly CancellationTokenSource _stopping = new();
    private Postmaster _postmaster;
    private Task _supervision = Task.CompletedTask;
    private Task? _stopped;

    private LocalDatabase(DataDirectory directory, PostgresUser user, ILogger logger, FileLock usersLock, Postmaster postmaster)
    {
        _directory = directory;
        _user = user;
        _logger = logger;
        _usersLock = usersLock;
        _postmaster = postmaster;
        ConnectionString = new NpgsqlConnectionStringBuilder
        {
            Host = postmaster.SocketDirectory,
            Port = 5432,
            Username = "postgres",
            Database = "postgres",
        }.ConnectionString;
    }

    /// <summary>Npgsql's connection string, over the Unix socket. It stays the same if PostgreSQL has to be started again.</summary>
    public string ConnectionString { get; }

    /// <summary>The data directory: the configured one, unless it had to be moved.</summary>
    public string DataDir => _directory.Path;

    /// <summary>The postmaster's process id.</summary>
    public int ProcessId => _postmaster.Pid;

    /// <summary>Creates the cluster if there is none, starts PostgreSQL or joins the running one, and watches over it.</summary>
    /// <param name="dataDir">Absolute path.</param>
    /// <param name="mayMove">Whether it is the default: as root, /var/lib/pgetcd is used instead if PostgreSQL's user cannot reach
    /// it.</param>
    /// <param name="logger">Logs each start, stop and end.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="LocalPostgresException">PostgreSQL cannot run; the message has the reason.</exception>
    public static async Task<LocalDatabase> StartAsync(string dataDir, bool mayMove, ILogger logger, CancellationToken cancellationToken)
    {
        (DataDirectory? directory, PostgresUser? user) = await new DataDirectory(dataDir).PrepareAsync(mayMove, cancellationToken);
        if (directory.Path != dataDir)
        {
            Log.Moved(logger, dataDir, directory.Path);
        }

        using FileLock startLock = await FileLock.ExclusiveAsync(directory.StartLock, cancellationToken);
        FileLock usersLock = FileLock.Shared(directory.UsersLock);
        try
        {
            Postmaster postmaster = await StartOrJoinAsync(directory, user, logger, cancellationToken);
            LocalDatabase local = new(directory, user, logger, usersLock, postmaster);
            local._supervision = local.SuperviseAsync();
            return local;
        }
        catch
        {
            usersLock.Dispose();
            throw;
        }
    }

    /// <summary>Stops PostgreSQL and waits for it, unless other frontends still use it. Must be called after all connections have
    /// ended.</summary>
    public Task StopAsync() => _stopped ??= StopOnceAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stopping.Dispose();
    }

    private static async Task<Postmaster> StartOrJoinAsync(
        DataDirectory directory, PostgresUser user, ILogger logger, CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPause;
        while (true)
        {
            if (await Postmaster.AdoptAsync(directory, cancellationToken) is { } running)
            {
                Log.Joined(logger, running.Pid, directory.Path, running.SocketDirectory);
                return running;
            }

            PostgresBinaries binaries = await PostgresBinaries.FindAsync(
                directory.Major, Environment.GetEnvironmentVariable, null, cancellationToken);
            if (!Directory.Exists(directory.Cluster))
            {
                Log.Making(logger, binaries.Major, directory.Path);
                await ClusterMaker.MakeAsync(directory, binaries, user, cancellationToken);
            }

            await MakeSocketDirectoryAsync(directory, user, cancellationToken);
            PostmasterFile.RemoveIfStale(directory.Cluster);
            await PostgresSettings.WriteAsync(directory, binaries, cancellationToken);
            if (await Postmaster.StartAsync(directory, binaries, user, cancellationToken) is { } started)
            {
                Log.Started(logger, started.Pid, directory.Path, started.SocketDirectory);
                return started;
            }

            await Task.Delay(pause, cancellationToken);
        }
    }

    private static async Task MakeSocketDirectoryAsync(DataDirectory directory, PostgresUser user, CancellationToken cancellationToken)
    {
        // Another user may have created the directory in /tmp first: install fails on files of other users, and follows no link.
        Command made = new DirectoryInfo(directory.Socket).LinkTarget is null
            ? await user.MakeDirectoryAsync(directory.Socket, cancellationToken)
            : new Command(1, "it is a link");
        if (made.ExitCode != 0)
        {
            throw new LocalPostgresException($"The socket's directory {directory.Socket} could not be made: {Command.Tail(made.Output)}.");
        }
    }

    private async Task SuperviseAsync()
    {
        try
        {
            while (true)
            {
                await _postmaster.WaitForExitAsync(_stopping.Token);
                Log.Died(_logger, _postmaster.Pid, DataDir);
                await RestartAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The frontend is stopping.
        }
    }

    private async Task RestartAsync()
    {
        for (TimeSpan pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                using FileLock startLock = await FileLock.ExclusiveAsync(_directory.StartLock, _stopping.Token);
                Postmaster postmaster = await StartOrJoinAsync(_directory, _user, _logger, _stopping.Token);
                _postmaster.Dispose();
                _postmaster = postmaster;
                return;
            }
            catch (Exception e) when (!_stopping.IsCancellationRequested)
            {
                Log.NotRestarted(_logger, e.Message, pause.TotalSeconds);
            }

            await Task.Delay(pause, _stopping.Token);
        }
    }

    private async Task StopOnceAsync()
    {
        await _stopping.CancelAsync();
        await _supervision;
        using (await FileLock.ExclusiveAsync(_directory.StartLock, CancellationToken.None))
        {
            _usersLock.Dispose();
            using FileLock? alone = FileLock.TryExclusive(_directory.UsersLock);
            if (alone is null)
            {
                Log.LeftRunning(_logger, _postmaster.Pid, DataDir);
            }
            else
            {
                await _postmaster.StopAsync();
                Log.Stopped(_logger, _postmaster.Pid, DataDir);
            }
        }

        _postmaster.Dispose();
    }
}
