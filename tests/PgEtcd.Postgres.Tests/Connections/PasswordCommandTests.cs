using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Connections;

/// <summary>How often the command runs, and how its output is used.</summary>
public sealed class PasswordCommandTests : IDisposable
{
    private readonly TempDirectory _files = new("command");

    private string Runs => Path.Combine(_files.Path, "runs");

    [Fact]
    public async Task Within_its_lifetime_one_password_serves_all_connections_until_it_is_refused()
    {
        PasswordCommand command = new($"echo run >> {Runs}; wc -l < {Runs}", TimeSpan.FromHours(1));
        string[] together = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => command.ReadAsync(CancellationToken.None).AsTask()));
        together.Distinct().ShouldBe(["1"]);
        command.Forget();
        (await command.ReadAsync(CancellationToken.None)).ShouldBe("2");
        (await command.ReadAsync(CancellationToken.None)).ShouldBe("2");
    }

    [Fact]
    public async Task Without_a_lifetime_each_connection_runs_the_command()
    {
        PasswordCommand command = new($"echo run >> {Runs}; wc -l < {Runs}", TimeSpan.Zero);
        (await command.ReadAsync(CancellationToken.None)).ShouldBe("1");
        (await command.ReadAsync(CancellationToken.None)).ShouldBe("2");
    }

    [Theory]
    [InlineData("printf ' a b \\n'", " a b ")]
    [InlineData("printf 'x'", "x")]
    [InlineData("echo noise >&2; echo x", "x")]
    public async Task The_password_is_the_output_without_the_end_of_the_line(string text, string password) =>
        (await new PasswordCommand(text, TimeSpan.Zero).ReadAsync(CancellationToken.None)).ShouldBe(password);

    [Fact]
    public async Task A_failure_is_not_cached_and_does_not_reveal_the_output()
    {
        PasswordCommand command = new(
            $"if [ -e {Runs} ]; then echo good; else touch {Runs}; echo secret; echo broken >&2; exit 3; fi", TimeSpan.FromHours(1));
        NpgsqlException failure = await Should.ThrowAsync<NpgsqlException>(() => command.ReadAsync(CancellationToken.None).AsTask());
        failure.Message.ShouldBe("the command of --database-password-command ended with status 3: broken");
        DatabaseErrors.IsTransient(failure).ShouldBeTrue();
        (await command.ReadAsync(CancellationToken.None)).ShouldBe("good");
    }

    public void Dispose() => _files.Dispose();
}
