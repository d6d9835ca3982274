using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Python;

/// <summary>A client for Python that knows nothing of us finds etcd.</summary>
public sealed class PythonTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Scripts => PythonScript.Names;

    [SkippableTheory]
    [MemberData(nameof(Scripts))]
    public async Task Python_etcd3_works(string script)
    {
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateDatabaseAsync());
        await PythonScript.RunAsync(pgetcd, script);
    }
}
