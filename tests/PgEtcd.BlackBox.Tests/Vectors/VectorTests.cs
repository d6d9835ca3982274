using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>Transcripts of real etcd 3.6 and 3.7, replayed; every line must be the same.</summary>
public sealed class VectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Files =>
    [
        .. VectorFile.Names("kv-"), .. VectorFile.Names("txn-"), .. VectorFile.Names("rangestream-"),
        .. VectorFile.Names("lease-"), .. VectorFile.Names("lock-"),
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_line_of_the_transcript_is_reproduced(string file)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await VectorRunner.RunAsync(VectorFile.Read(file), server.ClientUrl);
    }
}
