using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polly;
using Polly.Retry;

namespace PgEtcd.Postgres.Connections;

/// <summary>A frontend's PostgreSQL database: its connections and the schema inside it.</summary>
public sealed class Database : IAsyncDisposable
{
    /// <summary>Most connections of a frontend besides those for one kind of work, unless the connection string says otherwise. Writes are
    /// batched and reads come from memory, so few are enough; frontends × pool must fit into max_connections.</summary>
    private const int DefaultPoolSize = 14;

    /// <summary>Pause between two attempts at a first connection.</summary>
    private static readonly TimeSpan ConnectPause = TimeSpan.FromMilliseconds(100);

    private readonly string _flag;
    private readonly PasswordCommand? _password;
    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlDataSource _appends;
    private readonly NpgsqlDataSource _positions;
    private readonly List<NpgsqlMultiHostDataSource> _hosts = [];
    private readonly SessionSettings _settings;
    private readonly ConnectionFailures _failures;
    private readonly SemaphoreSlim _meeting = new(1);
    private DateTime? _server;

    /// <param name="connectionString">Npgsql connection string; several hosts are tried for the one that takes writes.</param>
    /// <param name="schema">The schema of the cluster.</param>
    /// <param name="loggerFactory">For Npgsql and the database layer.</param>
    /// <param name="flag">The name of the connection string in messages.</param>
    /// <param name="password">Gives the password if the connection string does not hold it.</param>
    public Database(
        string connectionString, SchemaName schema, ILoggerFactory loggerFactory, string flag = "--database",
        PasswordCommand? password = null)
    {
        _flag = flag;
        _password = password;
        ConnectionString = Complete(connectionString);
        Schema = schema;
        _failures = new ConnectionFailures(ConnectionString, flag);
        _settings = new SessionSettings(loggerFactory.CreateLogger<Database>());
        try
        {
            _source = BuildSource(isForOne: false);
            _appends = BuildSource(isForOne: true);
            _positions = BuildSource(isForOne: true);
        }
        catch (Exception exception) when (DatabaseErrors.IsAboutValue(exception))
        {
            throw _failures.Unusable(exception);
        }

        Retry = BuildRetry(loggerFactory.CreateLogger<Database>());
    }

    /// <summary>The effective connection string. It holds the password: never log it.</summary>
    public NpgsqlConnectionStringBuilder ConnectionString { get; }

    /// <summary>The schema of the cluster.</summary>
    public SchemaName Schema { get; }

    /// <summary>Whether a standby suffices, because the work only reads and need not be up to date.</summary>
    public bool AllowsStandby { get; init; }

    /// <summary>Called when a connection reaches a PostgreSQL process other than the previous one, because PostgreSQL was restarted,
    /// promoted or restored. No other connection to that process is used before the call has ended.</summary>
    public Func<NpgsqlConnection, Task>? ServerChanged { get; set; }

    /// <summary>Repeats work that failed because of the connection until it succeeds or is cancelled. Only for work that may be repeated:
    /// reads, and appends (a repeated append is recognised, design §2.6).</summary>
    public ResiliencePipeline Retry { get; }

    /// <summary>A command on a pooled connection; Npgsql prepares statements that repeat.</summary>
    /// <param name="sql">SQL written for the default schema.</param>
    /// <param name="values">Its <c>$1</c>, <c>$2</c> …</param>
    public NpgsqlCommand Command(string sql, params ReadOnlySpan<SqlValue> values)
    {
        NpgsqlCommand command = _source.CreateCommand(Schema.Apply(sql));
        SqlValue.Add(command.Parameters, values);
        return command;
    }

    /// <summary>A command on an open connection, in its transaction if there is one.</summary>
    /// <inheritdoc cref="Command(string, ReadOnlySpan{SqlValue})"/>
    internal NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<SqlValue> values)
    {
        NpgsqlCommand command = new(Schema.Apply(sql), connection);
        SqlValue.Add(command.Parameters, values);
        return command;
    }

    /// <summary>An open pooled connection.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => OpenAsync(_source, cancellationToken);

    /// <summary>The connection of the appends, which are sent one at a time. A pool hands out idle connections in turn, so each append
    /// would reach another PostgreSQL process, with caches that have gone cold meanwhile (docs/decisions/0005).</summary>
    internal ValueTask<NpgsqlConnection> OpenForAppendAsync(CancellationToken cancellationToken) => OpenAsync(_appends, cancellationToken);

    /// <summary>The connection of the read barriers, for the same reason.</summary>
    internal ValueTask<NpgsqlConnection> OpenForPositionAsync(CancellationToken cancellationToken) =>
        OpenAsync(_positions, cancellationToken);

    /// <summary>An open connection outside of the pool.</summary>
    /// <param name="commandTimeout">Seconds; 0 for none.</param>
    internal async Task<NpgsqlConnection> OpenUnpooledAsync(int commandTimeout, CancellationToken cancellationToken)
    {
        NpgsqlConnectionStringBuilder settings =
            new(ConnectionString.ConnectionString) { Pooling = false, CommandTimeout = commandTimeout };
        return await WithPasswordAsync(async () =>
        {
            settings.Password = _password is null ? settings.Password : await _password.ReadAsync(cancellationToken);
            NpgsqlConnection connection = new(settings.ConnectionString);
            try
            {
                await connection.OpenAsync(cancellationToken);
                await PrepareAsync(connection);
                return connection;
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        });
    }

    /// <summary>Makes sure that PostgreSQL answers.</summary>
    public Task PingAsync(CancellationToken cancellationToken) => Command("select 1").RunAsync(cancellationToken);

    /// <summary>Sentences about settings of the role, the database or the server that are wrong for frontends and that frontends may not
    /// set.</summary>
    public IReadOnlyList<string> UnmetSettings => _settings.Unmet;

    /// <summary>Drops idle connections, so that the next ones find the current primary.</summary>
    public void ForgetConnections()
    {
        _source.Clear();
        _appends.Clear();
        _positions.Clear();
    }

    /// <summary>Opens a first connection. Waits for a server that is starting up or failing over; a port that refuses is tried only for a
    /// few seconds, because its address is probably wrong.</summary>
    /// <exception cref="DatabaseStartException">The connection cannot be opened for a permanent reason, or not within the time
    /// limit.</exception>
    public async Task ConnectAsync(TimeSpan timeLimit, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        Exception? last = null;
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = await OpenAsync(cancellationToken);
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
            {
                // With several hosts, Npgsql remembers that they are down, and the next error no longer says why.
                last = last?.InnerException is AggregateException && exception.InnerException is null ? last : exception;
                _failures.ThrowIfHopeless(last, Stopwatch.GetElapsedTime(started), timeLimit);
            }
            catch (Exception exception) when (DatabaseErrors.IsAboutAddress(exception))
            {
                throw _failures.Unusable(exception); // a file, or a value that Npgsql checks when it connects
            }

            await Task.Delay(ConnectPause, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _appends.DisposeAsync();
        await _positions.DisposeAsync();
        _meeting.Dispose();
    }

    private ValueTask<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        ValueTask<NpgsqlConnection> first = source.OpenConnectionAsync(cancellationToken);
        return first.IsCompletedSuccessfully ? first : WaitedAsync();

        async ValueTask<NpgsqlConnection> WaitedAsync()
        {
            long started = Stopwatch.GetTimestamp();
            ValueTask<NpgsqlConnection>? opening = first;
            NpgsqlConnection connection = await WithPasswordAsync(async () =>
            {
                ValueTask<NpgsqlConnection> one = opening ?? source.OpenConnectionAsync(cancellationToken);
                opening = null;
                return await one;
            });
            DatabaseMetrics.PoolWaitSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
            return connection;
        }
    }

    /// <summary>Opens a connection; runs the password command once more if the password was refused, because it may have changed.</summary>
    private async Task<NpgsqlConnection> WithPasswordAsync(Func<Task<NpgsqlConnection>> open)
    {
        try
        {
            return await open();
        }
        catch (PostgresException refusal) when (_password is not null && refusal.SqlState == PostgresErrorCodes.InvalidPassword)
        {
            _password.Forget();
            return await open();
        }
    }

    private NpgsqlDataSource BuildSource(bool isForOne)
    {
        NpgsqlDataSourceBuilder builder = new(ConnectionString.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            static _ => throw new NotSupportedException("Connections are opened asynchronously."), MeetAsync);
        if (_password is not null)
        {
            builder.UsePasswordProvider(
                static _ => throw new NotSupportedException("Connections are opened asynchronously."),
                (_, cancellationToken) => _password.ReadAsync(cancellationToken));
        }

        if (isForOne)
        {
            builder.ConnectionStringBuilder.MinPoolSize = 0;
            builder.ConnectionStringBuilder.MaxPoolSize = 1;
        }

        if (ConnectionString.Host?.Contains(',', StringComparison.Ordinal) != true)
        {
            return builder.Build();
        }

        NpgsqlMultiHostDataSource hosts = builder.BuildMultiHost();
        _hosts.Add(hosts);
        return hosts.WithTargetSession(TargetSessionAttributes.ReadWrite);
    }

    private async Task MeetAsync(NpgsqlConnection connection)
    {
        DatabaseMetrics.ConnectionsOpened.Add(1);
        DateTime server = await PrepareAsync(connection);
        await _meeting.WaitAsync();
        try
        {
            if (_server is not null && _server != server)
            {
                DatabaseMetrics.ServerChanges.Add(1);
                await (ServerChanged?.Invoke(connection) ?? Task.CompletedTask);
            }

            _server = server;
        }
        finally
        {
            _meeting.Release();
        }
    }

    /// <summary>Prepares a session.</summary>
    /// <returns>The start of its PostgreSQL.</returns>
    /// <exception cref="StandbyException">The server is a standby.</exception>
    private async Task<DateTime> PrepareAsync(NpgsqlConnection connection)
    {
        (DateTime startedAt, bool isStandby) = await _settings.ApplyAsync(connection);
        if (isStandby && !AllowsStandby)
        {
            // Npgsql remembers for a while which of several hosts was the primary (Host Recheck Seconds).
            _hosts.ForEach(static hosts => hosts.ClearDatabaseStates());
            throw new StandbyException();
        }

        return startedAt;
    }

    private NpgsqlConnectionStringBuilder Complete(string connectionString)
    {
        NpgsqlConnectionStringBuilder given;
        try
        {
            given = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            throw new DatabaseStartException($"{_flag}: {exception.Message}", exception);
        }

        if (given.MaxPoolSize < 1)
        {
            throw new DatabaseStartException($"{_flag}: a value in it cannot be used: Maximum Pool Size must be at least 1.");
        }

        // No session state is kept, so a connection needs no reset, and a transaction-mode pooler may stand in front.
        given.NoResetOnClose = true;
        given.Enlist = false;
        SetUnlessGiven("Maximum Pool Size", DefaultPoolSize);
        SetUnlessGiven("Max Auto Prepare", 64);
        SetUnlessGiven("Auto Prepare Min Usages", 2);
        // Time for which Npgsql avoids one of several hosts that was down or took no writes. Its default of 10 s exceeds a request's limit.
        SetUnlessGiven("Host Recheck Seconds", 1);
        SetUnlessGiven("Timeout", 5);
        SetUnlessGiven("Command Timeout", 5);
        // On a silent network, the cancellation of a command gets no answer either.
        SetUnlessGiven("Cancellation Timeout", 500);
        SetUnlessGiven("Application Name", "pgetcd");
        SetUnlessGiven("Read Buffer Size", 32 * 1024);
        SetUnlessGiven("Write Buffer Size", 32 * 1024);
        return given;

        void SetUnlessGiven(string keyword, object value)
        {
            if (!given.ContainsKey(keyword) || !given.ShouldSerialize(keyword))
            {
                given[keyword] = value;
            }
        }
    }

    private ResiliencePipeline BuildRetry(ILogger logger) => new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<Exception>(exception =>
            {
                DatabaseMetrics.Failed(exception);
                return DatabaseErrors.IsTransient(exception);
            }),
            MaxRetryAttempts = int.MaxValue,
            Delay = TimeSpan.FromMilliseconds(20),
            MaxDelay = TimeSpan.FromMilliseconds(500),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            OnRetry = retry =>
            {
                Log.DatabaseAway(logger, retry.AttemptNumber, retry.Outcome.Exception!.GetBaseException().Message);
                DatabaseMetrics.Retries.Add(1);
                ForgetConnections();
                return ValueTask.CompletedTask;
            },
        })
        .Build();
}
