using System.Globalization;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>
/// Random requests get the same answers from real etcd and from PgEtcd. <c>TESTED_SEED</c> repeats a run,
/// <c>TESTED_REQUESTS</c> makes it longer.
/// </summary>
public sealed class DifferentialTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    internal static int Seed => Number("TESTED_SEED") ?? Random.Shared.Next();

    internal static int Requests => Number("TESTED_REQUESTS") ?? 5000;

    [SkippableFact]
    public async Task Random_requests_get_the_answers_of_real_etcd()
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await new DifferentialRun(etcd, pgetcd, Seed, output).RunAsync(Requests);
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
