using System.Net;
using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>A store that takes long to load; a lock holds the load up.</summary>
public sealed class LoadingTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task While_the_state_is_loaded_livez_says_ok_and_everything_else_503_with_the_progress()
    {
        string database = await postgres.CreateStoreAsync();
        int port = FreePort.Next();
        using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Task<PgEtcdServer> starting;
        await using (NpgsqlConnection connection = new(database))
        {
            await connection.OpenAsync();
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
            await using (NpgsqlCommand block = new("lock table pgetcd.revisions", connection, transaction))
            {
                await block.ExecuteNonQueryAsync();
            }

            starting = PgEtcdServer.StartAsync(database, port: port);
            await Eventually.TrueAsync(
                async () => await AnswerAsync(http, "/readyz")
                    == (HttpStatusCode.ServiceUnavailable, "[-]load failed: the state is not loaded yet\n"),
                "/readyz tells");
            (await AnswerAsync(http, "/health"))
                .ShouldBe((HttpStatusCode.ServiceUnavailable, """{"health":"false","reason":"the state is not loaded yet"}""" + "\n"));
            (await AnswerAsync(http, "/livez")).ShouldBe((HttpStatusCode.OK, "ok\n"));
            starting.IsCompleted.ShouldBeFalse();
        }

        await using PgEtcdServer server = await starting;
        (await AnswerAsync(http, "/readyz")).ShouldBe((HttpStatusCode.OK, "ok\n"));
        await using Kv kv = new(server);
        await kv.PutAsync("a");
    }

    private static async Task<(HttpStatusCode Status, string Body)?> AnswerAsync(HttpClient http, string path)
    {
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(new Uri(path, UriKind.Relative));
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        catch (HttpRequestException)
        {
            return null; // nothing listens yet
        }
    }
}
