using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>Passwords that change under a running server, from a command and from a password file.</summary>
public sealed class PasswordTests : IAsyncLifetime, IDisposable
{
    private readonly TempDirectory _files = new("password");
    private PostgresServer _postgres = null!;

    private string SecretFile => Path.Combine(_files.Path, "secret");

    private string PassFile => Path.Combine(_files.Path, "passfile");

    /// <summary>The connection string without a password.</summary>
    private string Address => new NpgsqlConnectionStringBuilder(_postgres.ConnectionString()) { Username = "rotating" }.ConnectionString;

    public async Task InitializeAsync()
    {
        _postgres = await PostgresServer.StartAsync();
        await Sql.ExecuteAsync(_postgres.ConnectionString(), "create role rotating login superuser");
        await RotateAsync("first");
        await File.WriteAllTextAsync(
            Path.Combine(_postgres.DataDirectory, "pg_hba.conf"),
            "local all all trust\nhost all rotating all scram-sha-256\nhost all all all trust\n");
        await _postgres.StopAsync();
        await _postgres.RestartAsync();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task A_server_continues_when_the_password_changes(bool byCommand, bool lateForTheServer)
    {
        string database = byCommand ? Address : $"{Address};Passfile={PassFile}";
        string[] flags = byCommand ? [$"--database-password-command=cat {SecretFile}", "--database-password-lifetime=1h"] : [];
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: flags);
        server.Expect("PostgreSQL does not answer|listen|LISTEN");
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");

        await RotateAsync("second", writeFiles: !lateForTheServer);
        await CutAsync();
        Task<long> put = kv.PutAsync("a", "2");
        if (lateForTheServer)
        {
            await server.SaysAsync("password authentication failed");
            Write("second");
        }

        (await put).ShouldBe(3);
        (await Sql.ExecuteAsync(_postgres.ConnectionString(), "select value_text from pgetcd.get('a')")).ShouldBe("2");

        CommandResult verb = await Command.RunAsync(
            PgEtcdServer.Program, ["state", "--database", database, .. flags], environment: Snapshots.SnapshotTools.Environment);
        verb.Output.ShouldContain("1 key at revision 3", Case.Sensitive, verb.Error);
    }

    [Fact]
    public async Task A_command_without_a_password_is_reported_with_a_sentence()
    {
        (await Refusal.OfAsync("--database", Address, "--database-password-command", "echo oops >&2; exit 3"))
            .ShouldContain("the command of --database-password-command ended with status 3: oops");
        (await Refusal.OfAsync("--database", Address, "--database-password-command", "true")).ShouldContain(
            "--database-password-command printed nothing");
        (await Refusal.OfAsync("--database", Address, "--database-password-command", "echo wrong")).ShouldContain(
            "password authentication failed");
        (await Refusal.OfAsync("--database-password-command", "true")).ShouldContain("needs --database, whose password it prints");
        (await Refusal.OfAsync("--database", Address, "--database-password-lifetime", "soon")).ShouldContain(
            "--database-password-lifetime must be a duration");
    }

    public Task DisposeAsync() => _postgres.DisposeAsync().AsTask();

    public void Dispose() => _files.Dispose();

    private async Task RotateAsync(string password, bool writeFiles = true)
    {
        await Sql.ExecuteAsync(_postgres.ConnectionString(), $"alter role rotating password '{password}'");
        if (writeFiles)
        {
            Write(password);
        }
    }

    private void Write(string password)
    {
        File.WriteAllText(SecretFile, password + "\n");
        File.WriteAllText(PassFile, $"*:*:*:*:{password}\n");
        File.SetUnixFileMode(PassFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Ends the connections opened with the old password.</summary>
    private Task<object?> CutAsync() => Sql.ExecuteAsync(
        _postgres.ConnectionString(), "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'rotating'");
}
