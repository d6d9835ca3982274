using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Python;

/// <summary>A Python client for etcd works with PgEtcd.</summary>
public sealed class PythonTests(PythonTests.Scripts scripts) : IClassFixture<PythonTests.Scripts>
{
    public static TheoryData<string> Names => PythonScript.Names;

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public Task Python_etcd3_works(string script) => scripts[script];

    /// <summary>Each runs on its own server: one counts revisions and compacts, two wait for leases to expire.</summary>
    public sealed class Scripts() : AllAtOnce(PythonScript.All)
    {
        protected override async Task RunAsync(PostgresFixture postgres, string name)
        {
            await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
            await PythonScript.RunAsync(server, name);
        }
    }
}
