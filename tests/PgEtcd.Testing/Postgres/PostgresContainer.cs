using Npgsql;
using Testcontainers.PostgreSql;

namespace PgEtcd.Testing.Postgres;

/// <summary>PostgreSQL in a container, if there is an engine. <c>TESTED_POSTGRES_IMAGE</c> names an image other than
/// <see cref="DefaultImage"/>; <c>none</c> selects the machine's PostgreSQL. With <c>TESTED_POSTGRES_CONTAINER=required</c>
/// only a container will do.</summary>
internal sealed class PostgresContainer : ITestDatabase
{
    private const string DefaultImage = "postgres:17";

    /// <summary>Long enough to download an image first.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly PostgreSqlContainer _container;

    private PostgresContainer(PostgreSqlContainer container) => _container = container;

    /// <summary>Starts a container; null without an engine, or if it cannot get or start the image.</summary>
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
                .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "trust") // tests log in as roles that they create
                .WithCommand("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300")
                .Build();
            using CancellationTokenSource limit = new(StartLimit);
            await container.StartAsync(limit.Token).ConfigureAwait(false);
            // The reaper of Testcontainers removes the container in any case; if that is disabled, this does.
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
