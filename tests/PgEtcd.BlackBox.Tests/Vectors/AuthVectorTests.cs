using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>The transcripts of users, roles and permissions.</summary>
public sealed class AuthVectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Files => [.. VectorFile.Names("auth-")];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_line_of_the_transcript_is_reproduced(string file)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--bcrypt-cost", "4"]);
        await VectorRunner.RunAsync(VectorFile.Read(file), server.ClientUrl);
    }
}
