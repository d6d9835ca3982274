using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polly;
using Polly.Retry;

namespace PgEtcd.Postgres.Connections;

/// <summary>The PostgreSQL database that a frontend works on: its connections and the schema inside it.</summary>
public sealed class Database : IAsyncDisposable
{
    /// <summary>Connections a frontend opens at most beside those for one kind of work, unless the connection string says
    /// otherwise. Writes are batched and reads come from memory, so few are enough; frontends × pool must fit max_connections.</summary>
    private const int DefaultPoolSize = 14;

    /// <summary>How long a first connection is tried at a port that refuses it, or at a standby: long enough for a database that is
    /// started or promoted together with us, short enough for a mistyped address.</summary>
    private static readonly TimeSpan NobodyListensLimit = TimeSpan.FromSeconds(5);

    /// <summary>From one such try to the next.</summary>
    private static readonly TimeSpan ConnectPause = TimeSpan.FromMilliseconds(100);

    private readonly string _flag;
    private readonly PasswordCommand? _password;
    private readonly NpgsqlDataSource _source;
    private readonly NpgsqlDataSource _appends;
    private readonly NpgsqlDataSource _positions;
    private readonly List<NpgsqlMultiHostDataSource> _hosts = [];
    private readonly SessionSettings _settings;
    private readonly SemaphoreSlim _meeting = new(1);
    private DateTime? _server;

    /// <param name="connectionString">Npgsql connection string; several hosts are tried for the one that takes writes.</param>
    /// <param name="schema">The schema of the cluster.</param>
    /// <param name="loggerFactory">Where Npgsql and the database layer log.</param>
    /// <param name="flag">What messages call the connection string.</param>
    /// <param name="password">Gives the password, if it is not in the connection string.</param>
    public Database(
        string connectionString, SchemaName schema, ILoggerFactory loggerFactory, string flag = "--database", PasswordCommand? password = null)
    {
        _flag = flag;
        _password = password;
        ConnectionString = Complete(connectionString);
        Schema = schema;
        _settings = new SessionSettings(loggerFactory.CreateLogger<Database>());
        try
        {
            _source = BuildSource(isForOne: false);
            _appends = BuildSource(isForOne: true);
            _positions = BuildSource(isForOne: true);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or NotSupportedException or FormatException)
        {
            throw Unusable(exception);
        }

        Retry = BuildRetry(loggerFactory.CreateLogger<Database>());
    }

    /// <summary>The connection string in force. Holds the password: never log it.</summary>
    public NpgsqlConnectionStringBuilder ConnectionString { get; }

    /// <summary>The schema of the cluster.</summary>
    public SchemaName Schema { get; }

    /// <summary>Whether a standby will do: for work that only reads and need not be up to date.</summary>
    public bool AllowsStandby { get; init; }

    /// <summary>Called when a connection reaches another PostgreSQL process than those before it: restarted, promoted, restored.
    /// No other connection to it is used before this has ended.</summary>
    public Func<NpgsqlConnection, Task>? ServerChanged { get; set; }

    /// <summary>Repeats what failed because of the connection until it succeeds or is cancelled. Only for work that may
    /// be repeated: reads, and appends (a repeated append is recognised, design §2.6).</summary>
    public ResiliencePipeline Retry { get; }

    /// <summary>A command on a pooled connection; hot statements are prepared by Npgsql as they repeat.</summary>
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

    /// <summary>Statements that travel together, in the transaction of the connection.</summary>
    internal static NpgsqlBatch Batch(NpgsqlConnection connection, params ReadOnlySpan<NpgsqlBatchCommand> commands)
    {
        NpgsqlBatch batch = new(connection);
        foreach (NpgsqlBatchCommand command in commands)
        {
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    /// <summary>A statement of a <see cref="Batch"/>.</summary>
    /// <inheritdoc cref="Command(string, ReadOnlySpan{SqlValue})"/>
    internal NpgsqlBatchCommand BatchCommand(string sql, params ReadOnlySpan<SqlValue> values)
    {
        NpgsqlBatchCommand command = new(Schema.Apply(sql));
        SqlValue.Add(command.Parameters, values);
        return command;
    }

    /// <summary>An open pooled connection.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => OpenAsync(_source, cancellationToken);

    /// <summary>The connection of the appends, of which there is one at a time. A pool hands out its idle connections in
    /// turn, and so each append would come to another PostgreSQL process, whose caches have gone cold meanwhile
    /// (docs/decisions/0005).</summary>
    internal ValueTask<NpgsqlConnection> OpenForAppendAsync(CancellationToken cancellationToken) => OpenAsync(_appends, cancellationToken);

    /// <summary>The connection of the read barriers, for the same reason.</summary>
    internal ValueTask<NpgsqlConnection> OpenForPositionAsync(CancellationToken cancellationToken) =>
        OpenAsync(_positions, cancellationToken);

    /// <summary>An open connection that is not of the pool.</summary>
    /// <param name="commandTimeout">Seconds; 0: none.</param>
    internal async Task<NpgsqlConnection> OpenUnpooledAsync(int commandTimeout, CancellationToken cancellationToken)
    {
        NpgsqlConnectionStringBuilder settings = new(ConnectionString.ConnectionString) { Pooling = false, CommandTimeout = commandTimeout };
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

    /// <summary>Settings of the role, the database or the server that frontends need otherwise and may not set, in words.</summary>
    public IReadOnlyList<string> UnmetSettings => _settings.Unmet;

    /// <summary>Drops idle connections, so that the next ones find the primary of the moment.</summary>
    public void ForgetConnections()
    {
        _source.Clear();
        _appends.Clear();
        _positions.Clear();
    }

    /// <summary>Opens a first connection. A server that is starting up or failing over is waited for; a port that
    /// refuses is tried for a few seconds only, as that is more often a wrong address.</summary>
    /// <exception cref="DatabaseStartException">It cannot be opened, for a reason that waiting does not cure, or not
    /// within the time limit.</exception>
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
                // Of several hosts Npgsql remembers that they are down, and the next error no longer says why.
                last = last?.InnerException is AggregateException && exception.InnerException is null ? last : exception;
                ThrowIfHopeless(last, Stopwatch.GetElapsedTime(started), timeLimit);
            }
            catch (Exception exception) when (IsAboutFile(exception))
            {
                throw new DatabaseStartException($"{_flag}: a file that it names cannot be used: {FirstLine(exception)}.", exception);
            }

            catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or NotSupportedException or FormatException)
            {
                throw Unusable(exception); // a value that Npgsql checks when it connects
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

    /// <summary>A password that was refused may have been changed since the command was last asked: asks once more.</summary>
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

    /// <summary>Makes a session fit for our work.</summary>
    /// <returns>When its PostgreSQL was started.</returns>
    /// <exception cref="StandbyException">It is a standby.</exception>
    private async Task<DateTime> PrepareAsync(NpgsqlConnection connection)
    {
        (DateTime startedAt, bool isStandby) = await _settings.ApplyAsync(connection);
        if (isStandby && !AllowsStandby)
        {
            // Npgsql remembers for ten seconds which of several hosts was the primary.
            _hosts.ForEach(static hosts => hosts.ClearDatabaseStates());
            throw new StandbyException();
        }

        return startedAt;
    }

    private void ThrowIfHopeless(Exception exception, TimeSpan elapsed, TimeSpan timeLimit)
    {
        // With several hosts the reasons are gathered: one that may pass is worth waiting for.
        Exception[] reasons = exception.InnerException is AggregateException several
            ? [.. several.Flatten().InnerExceptions]
            : [exception];
        SocketException?[] sockets = [.. reasons.Select(reason => reason as SocketException ?? reason.InnerException as SocketException)];
        string? sentence = reasons[0] switch
        {
            StandbyException when elapsed > NobodyListensLimit =>
                $"the PostgreSQL at '{ConnectionString.Host}' port {ConnectionString.Port} is a standby, which takes no writes",
            // Afterwards it may pass, when a password is being changed.
            PostgresException refusal when refusal.SqlState == PostgresErrorCodes.InvalidPassword
                || !Array.Exists(reasons, DatabaseErrors.IsTransient) =>
                $"PostgreSQL refused the connection: {refusal.MessageText}",
            _ when sockets.All(socket => socket?.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData) =>
                $"there is no host '{ConnectionString.Host}'",
            NpgsqlException { InnerException: null, IsTransient: false } refusal and not PostgresException =>
                $"the connection cannot be used: {refusal.Message.TrimEnd('.')}",
            _ when Array.Find(reasons, reason => reason.InnerException is AuthenticationException) is { } failure =>
                $"TLS with PostgreSQL at '{ConnectionString.Host}' failed: {TlsFailure(failure.GetBaseException())}",
            _ when Array.Find(reasons, reason => IsAboutFile(reason.GetBaseException())) is { } failure =>
                $"a file that it names cannot be used: {FirstLine(failure.GetBaseException())}",
            _ when elapsed > (sockets.All(socket => socket is not null) ? NobodyListensLimit : timeLimit) =>
                $"no PostgreSQL answered at '{ConnectionString.Host}' port {ConnectionString.Port} "
                + $"within {elapsed.TotalSeconds:0} s ({reasons[0].GetBaseException().Message.TrimEnd('.')})",
            _ => null,
        };
        if (sentence is not null)
        {
            throw new DatabaseStartException($"{_flag}: {sentence}.", exception);
        }
    }

    /// <summary>Exceptions about the certificates, keys and password files that the address names.</summary>
    private static bool IsAboutFile(Exception exception) =>
        exception is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException or CryptographicException;

    private string TlsFailure(Exception cause) =>
        ConnectionString.SslMode >= SslMode.VerifyCA
            && cause.Message.Contains("RemoteCertificateValidationCallback", StringComparison.Ordinal)
            ? "its certificate is of another authority or, for SSL Mode VerifyFull, for another host "
                + $"(SSL Mode is {ConnectionString.SslMode})"
            : FirstLine(cause);

    private static DatabaseStartException Unusable(Exception exception) =>
        new($"--database: a value in it cannot be used: {FirstLine(exception)}.", exception);

    private static string FirstLine(Exception exception) => exception.Message.Split('\n')[0].TrimEnd('.', '\r');

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

        // No session state is kept, so a connection needs no reset, and a transaction-mode pooler may stand in front.
        given.NoResetOnClose = true;
        given.Enlist = false;
        SetUnlessGiven("Maximum Pool Size", DefaultPoolSize);
        SetUnlessGiven("Max Auto Prepare", 64);
        SetUnlessGiven("Auto Prepare Min Usages", 2);
        // How long Npgsql passes by one of several hosts that was down or took no writes. Its own 10 s outlast a request.
        SetUnlessGiven("Host Recheck Seconds", 1);
        SetUnlessGiven("Timeout", 5);
        SetUnlessGiven("Command Timeout", 5);
        // A silent network does not answer the cancellation of a command either.
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
