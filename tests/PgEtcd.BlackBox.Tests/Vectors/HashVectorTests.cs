using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>The transcripts of HashKV. hash-cached is left out: it shows hashes that etcd computed when it compacted and answers
/// from memory whatever has happened since, with the compact revision of then; we compute every answer anew.</summary>
public sealed class HashVectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Files => ["hash-1", "hash-2"];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_line_of_the_transcript_comes_out_the_same(string file)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await VectorRunner.RunAsync(VectorFile.Read(file), server.ClientUrl);
    }
}
