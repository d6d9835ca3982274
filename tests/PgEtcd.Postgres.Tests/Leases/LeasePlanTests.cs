using Dapper;
using Npgsql;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Leases;

/// <summary>A session that began without leases must not keep plans for an empty table: grants fell from 40,000 to 3,000 a second in a new
/// store.</summary>
public sealed class LeasePlanTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData("pgetcd.grant_leases(array[1, 2]::bigint[], '{60,60}', array[gen_random_uuid(), gen_random_uuid()])")]
    [InlineData("pgetcd.keep_alive('{1,2,3}')")]
    [InlineData(
        "pgetcd.append((select max(revision) from pgetcd.all_revisions), -1, 1, 'x', '{0}', array['a']::bytea[], array['x']::bytea[], "
        + "'{2}', '{1}', '{7}', '{}', '{}', '{7,8,9}', '{}')")]
    [InlineData("pgetcd.append((select max(revision) from pgetcd.all_revisions), -1, 1, 'x', '{}', '{}', '{}', "
        + "'{}', '{}', '{}', '{}', '{}', '{}', '{7,8,9}')")]
    public async Task Sessions_that_began_without_leases_look_leases_up(string call)
    {
        await using LogFixture log = await LogFixture.CreateAsync(postgres);
        await log.AppendAsync(LogFixture.Puts(1, "a=1"));
        await using NpgsqlConnection session = await log.Database.OpenAsync(CancellationToken.None);
        for (int i = 0; i < 10; i++)
        {
            await session.ExecuteAsync($"begin; select * from {call}; rollback");
        }

        await session.ExecuteAsync("""
            insert into pgetcd.leases (id, ttl, expires_at, grant_token)
                select n, 600, clock_timestamp() + interval '10 minutes', gen_random_uuid() from generate_series(1, 5000) n
            """);

        await using NpgsqlTransaction transaction = await session.BeginTransactionAsync();
        long before = await ScansAsync();
        await session.ExecuteAsync($"select * from {call}");
        (await ScansAsync()).ShouldBe(before);

        // With the counts of earlier transactions that the session has not reported yet.
        Task<long> ScansAsync() => session.QuerySingleAsync<long>(
            "select seq_scan from pg_stat_xact_user_tables where relid = 'pgetcd.leases'::regclass");
    }
}
