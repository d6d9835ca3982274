using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polly;
using Polly.Retry;

namespace PgEtcd.Postgres;

/// <summary>The PostgreSQL database that a frontend works on: its connections and the schema inside it.</summary>
public sealed class Database : IAsyncDisposable
{
    /// <summary>Connections a frontend opens at most, unless the connection string says otherwise. Writes are batched and
    /// reads come from memory, so few are enough, and frontends × pool must fit max_connections.</summary>
    private const int DefaultPoolSize = 16;

    private readonly NpgsqlDataSource _source;

    /// <param name="connectionString">Npgsql connection string; several hosts are tried for the one that takes writes.</param>
    /// <param name="schema">The schema of the cluster.</param>
    /// <param name="loggerFactory">Where Npgsql and the database layer log.</param>
    public Database(string connectionString, SchemaName schema, ILoggerFactory loggerFactory)
    {
        ConnectionString = Complete(connectionString);
        Schema = schema;
        NpgsqlDataSourceBuilder builder = new(ConnectionString.ConnectionString);
        _source = ConnectionString.Host?.Contains(',', StringComparison.Ordinal) == true
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.ReadWrite)
            : builder.Build();
        Retry = BuildRetry(loggerFactory.CreateLogger<Database>());
    }

    /// <summary>The connection string in force. Holds the password: never log it.</summary>
    public NpgsqlConnectionStringBuilder ConnectionString { get; }

    /// <summary>The schema of the cluster.</summary>
    public SchemaName Schema { get; }

    /// <summary>Repeats what failed because of the connection until it succeeds or is cancelled. Only for work that may
    /// be repeated: reads, and appends (a repeated append is recognised, design §2.6).</summary>
    public ResiliencePipeline Retry { get; }

    /// <summary>A command on a pooled connection; hot statements are prepared by Npgsql as they repeat.</summary>
    /// <param name="sql">SQL written for the default schema.</param>
    public NpgsqlCommand Command(string sql) => _source.CreateCommand(Schema.Apply(sql));

    /// <summary>An open pooled connection.</summary>
    public ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) => _source.OpenConnectionAsync(cancellationToken);

    /// <summary>Drops idle connections, so that the next ones find the primary of the moment.</summary>
    public void ForgetConnections() => _source.Clear();

    /// <summary>Opens a first connection.</summary>
    /// <exception cref="DatabaseStartException">It cannot be opened, for a reason that waiting does not cure, or not
    /// within the time limit.</exception>
    public async Task ConnectAsync(TimeSpan timeLimit, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeLimit);
        Exception? last = null;
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = await OpenAsync(limit.Token);
                return;
            }
            catch (PostgresException exception) when (!DatabaseErrors.IsTransient(exception))
            {
                throw new DatabaseStartException($"--database: PostgreSQL refused the connection: {exception.MessageText}.", exception);
            }
            catch (NpgsqlException exception) when (exception.InnerException is SocketException { SocketErrorCode: SocketError.HostNotFound })
            {
                throw new DatabaseStartException($"--database: there is no host '{ConnectionString.Host}'.", exception);
            }
            catch (Exception exception) when (DatabaseErrors.IsTransient(exception) && !limit.IsCancellationRequested)
            {
                last = exception;
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                last ??= exception;
                throw new DatabaseStartException(
                    $"--database: no PostgreSQL answered at '{ConnectionString.Host}' port {ConnectionString.Port} within {timeLimit.TotalSeconds:0} s ({last.GetBaseException().Message}).",
                    last);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private static NpgsqlConnectionStringBuilder Complete(string connectionString)
    {
        NpgsqlConnectionStringBuilder given;
        try
        {
            given = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            throw new DatabaseStartException($"--database: {exception.Message}", exception);
        }

        // No session state is kept, so a connection needs no reset, and a transaction-mode pooler may stand in front.
        given.NoResetOnClose = true;
        given.Enlist = false;
        SetUnlessGiven("Maximum Pool Size", DefaultPoolSize);
        SetUnlessGiven("Max Auto Prepare", 64);
        SetUnlessGiven("Auto Prepare Min Usages", 2);
        SetUnlessGiven("Timeout", 5);
        SetUnlessGiven("Command Timeout", 5);
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
            ShouldHandle = new PredicateBuilder().Handle<Exception>(DatabaseErrors.IsTransient),
            MaxRetryAttempts = int.MaxValue,
            Delay = TimeSpan.FromMilliseconds(20),
            MaxDelay = TimeSpan.FromMilliseconds(500),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            OnRetry = retry =>
            {
                Log.DatabaseAway(logger, retry.AttemptNumber, retry.Outcome.Exception!.GetBaseException().Message);
                ForgetConnections();
                return ValueTask.CompletedTask;
            },
        })
        .Build();
}
