using Npgsql;
using Testcontainers.PostgreSql;

namespace PgEtcd.Testing.Postgres;

/// <summary>PostgreSQL in a container, where an engine answers. <c>TESTED_POSTGRES_IMAGE</c> names another image than
/// <see cref="DefaultImage"/>; <c>none</c> asks for the PostgreSQL of the machine. With <c>TESTED_POSTGRES_CONTAINER=required</c>
/// nothing else will do.</summary>
internal sealed class PostgresContainer : ITestDatabase
{
    private const string DefaultImage = "postgres:17";

    /// <summary>An image may have to be downloaded first.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly PostgreSqlContainer _container;

    private PostgresContainer(PostgreSqlContainer container) => _container = container;

    /// <summary>Starts one; null where no engine answers, or where it cannot get or start the image.</summary>
    public static async Task<PostgresContainer?> TryStartAsync()
    {
        bool isRequired = Environment.GetEnvironmentVariable("TESTED_POSTGRES_CONTAINER") is "required";
        string image = Environment.GetEnvironmentVariable("TESTED_POSTGRES_IMAGE") is { Length: > 0 } named ? named : DefaultImage;
        if (image == "none" || await ContainerEngine.FindAsync().ConfigureAwait(false) is not { } engine)
        {
            return isRequired
                ? throw new InvalidOperationException("No container engine answers, and TESTED_POSTGRES_CONTAINER=required.")
                : null;
        }

        try
        {
            PostgreSqlContainer container = new PostgreSqlBuilder(image)
                .WithDockerEndpoint(engine)
                .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "trust") // tests log in as roles that they make
                .WithCommand("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300")
                .Build();
            using CancellationTokenSource limit = new(StartLimit);
            await container.StartAsync(limit.Token).ConfigureAwait(false);
            // The reaper of Testcontainers removes it in any case; where that is turned off, this does.
            AppDomain.CurrentDomain.ProcessExit += (_, _) => container.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10));
            await Console.Error.WriteLineAsync($"The tests use PostgreSQL in a container of {image} at {engine}.").ConfigureAwait(false);
            return new PostgresContainer(container);
        }
        catch (Exception e) when (!isRequired)
        {
            string reason = e.Message.ReplaceLineEndings(" ");
            await Console.Error.WriteLineAsync(
                $"The container engine at {engine} does not start {image} ({reason}): the tests use the PostgreSQL of the machine.")
                .ConfigureAwait(false);
            return null;
        }
    }

    /// <inheritdoc/>
    public string ConnectionString(string database = "postgres") => new NpgsqlConnectionStringBuilder(_container.GetConnectionString())
    {
        Database = database,
        IncludeErrorDetail = true,
    }.ConnectionString;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _container.DisposeAsync();
}
