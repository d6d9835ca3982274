using System.Globalization;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Tls;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>A PostgreSQL that serves TLS as 127.0.0.1, with users that must connect in certain ways.</summary>
public sealed class SecurePostgres : IAsyncLifetime, IDisposable
{
    /// <summary>The password of the user etcd, who may connect with or without TLS, and of secure, who needs TLS.</summary>
    public const string Password = "hunter2&= %";

    private readonly TempDirectory _directory = new("securepg");

    private PostgresServer? _server;

    public PostgresServer Server => _server ?? throw new InvalidOperationException("Not started.");

    public TestAuthority Authority { get; } = new("database authority");

    public string CaFile => PathOf("ca.crt");

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.StartAsync();
        await _server.UseTlsAsync(
            Authority.Issue("db", TestAuthority.ForServers, ["127.0.0.1"]), Authority,
            "host all postgres all trust", "hostssl all certified all cert", "hostssl all secure all scram-sha-256",
            "host all etcd all scram-sha-256");
        foreach (string user in (string[])["etcd", "secure", "certified"])
        {
            await Sql.ExecuteAsync(_server.SocketConnectionString(), $"create role {user} login superuser password '{Password}'");
        }

        Write("ca.crt", Authority.Pem);
        Write("other.crt", new TestAuthority().Pem);
        IssuedCertificate client = Authority.Client("certified");
        Write("client.crt", client.CertPem);
        Write("client.key", client.KeyPem);
        await Command.CheckAsync("chmod", "600", PathOf("client.key"));
    }

    /// <summary>An empty database and its URL.</summary>
    /// <param name="user">The user, with the password after a colon if there is one.</param>
    /// <param name="parameters">Parameters of the URL; {dir} stands for the directory of the files.</param>
    /// <param name="host">127.0.0.1 or another name of it.</param>
    public async Task<string> CreateAsync(string user, string parameters, string host = "127.0.0.1")
    {
        string name = $"db_{Guid.NewGuid():N}";
        await Sql.ExecuteAsync(Server.SocketConnectionString(), $"create database {name}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"postgres://{user}@{host}:{Server.Port}/{name}?{parameters.Replace("{dir}", _directory.Path, StringComparison.Ordinal)}");
    }

    public string PathOf(string name) => Path.Combine(_directory.Path, name);

    public void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    public Task DisposeAsync() => Server.DisposeAsync().AsTask();

    public void Dispose() => _directory.Dispose();
}
