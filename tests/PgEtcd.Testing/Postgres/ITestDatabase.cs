namespace PgEtcd.Testing.Postgres;

/// <summary>A running PostgreSQL in which tests create databases.</summary>
public interface ITestDatabase : IAsyncDisposable
{
    /// <summary>An Npgsql connection string of a superuser.</summary>
    string ConnectionString(string database = "postgres");
}
