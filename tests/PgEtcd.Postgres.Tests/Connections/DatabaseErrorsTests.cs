using System.Net.Sockets;
using Npgsql;
using PgEtcd.Postgres.Connections;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Connections;

/// <summary>Fault A2: what is no answer of PostgreSQL means that the connection is gone, whatever Npgsql stumbles over.</summary>
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
    public void An_answer_is_what_its_code_says(string code, bool isTransient) =>
        DatabaseErrors.IsTransient(new PostgresException("text", "ERROR", "ERROR", code)).ShouldBe(isTransient);

    [Fact]
    public async Task Anything_else_out_of_Npgsql_or_a_socket_is_no_answer()
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
    public void Our_own_mistakes_are_not_repeated()
    {
        foreach (Exception exception in (Exception[])[
            Thrown(new InvalidOperationException()), Thrown(new InvalidCastException()), new OperationCanceledException()])
        {
            DatabaseErrors.IsTransient(exception).ShouldBeFalse(exception.GetType().Name);
        }
    }

    private static Exception Thrown(Exception exception) => Should.Throw<Exception>(() => throw exception);
}
