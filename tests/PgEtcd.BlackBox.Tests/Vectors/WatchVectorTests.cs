using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>The transcripts of watches. They wait for silence most of the time, so they run beside the others.</summary>
public sealed class WatchVectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Files => [.. VectorFile.Names("watch-")];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_line_of_the_transcript_comes_out_the_same(string file)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateDatabaseAsync());
        await VectorRunner.RunAsync(VectorFile.Read(file), server.ClientUrl);
    }
}
