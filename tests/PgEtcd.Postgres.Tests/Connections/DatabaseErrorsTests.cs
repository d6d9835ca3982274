using System.Net.Sockets;
using Npgsql;
using PgEtcd.Postgres.Connections;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Connections;

/// <summary>Fault A2: any failure that is not an answer of PostgreSQL means a lost connection.</summary>
public sealed class DatabaseErrorsTests
{
    [Theory]
    [InlineData("08006", true)]
    [InlineData("57P01", true)]
    [InlineData("40001", true)]
    [InlineData("40P01", true)]
    [InlineData("55P03", true)] // fault B10
    [InlineData("25P03", true)]
    [InlineData("42501", false)]
    [InlineData("23505", false)]
    public void An_error_of_PostgreSQL_is_judged_by_its_code(string code, bool isTransient) =>
        DatabaseErrors.IsTransient(new PostgresException("text", "ERROR", "ERROR", code)).ShouldBe(isTransient);

    [Fact]
    public async Task Any_other_failure_of_Npgsql_or_a_socket_means_a_lost_connection()
    {
        await using NpgsqlConnection closed = new("Host=nowhere");
        Exception ofNpgsql = await Should.ThrowAsync<InvalidOperationException>(() => closed.BeginTransactionAsync().AsTask());
        foreach (Exception exception in (Exception[])[
            ofNpgsql, new ObjectDisposedException("stream"), new IOException(), new SocketException(), new TimeoutException()])
        {
            DatabaseErrors.IsTransient(exception).ShouldBeTrue(exception.GetType().Name);
        }
    }

    [Fact]
    public void Bugs_are_not_retried()
    {
        foreach (Exception exception in (Exception[])[
            Thrown(new InvalidOperationException()), Thrown(new InvalidCastException()), new OperationCanceledException()])
        {
            DatabaseErrors.IsTransient(exception).ShouldBeFalse(exception.GetType().Name);
        }
    }

    private static Exception Thrown(Exception exception) => Should.Throw<Exception>(() => throw exception);
}
