using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Rpc;
using PgEtcd.Testing.Vectors;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>The transcripts of HashKV. Fault C16: hash-cached shows the hashes that etcd keeps of its last ten compactions, each with
/// the previous compact revision.</summary>
public sealed class HashVectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    public static TheoryData<string> Files => ["hash-1", "hash-2", "hash-cached"];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_line_of_the_transcript_is_reproduced(string file)
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, name: "first");
        await VectorRunner.RunAsync(VectorFile.Read(file), server.ClientUrl);

        await using PgEtcdServer later = await PgEtcdServer.StartAsync(database, name: "later");
        List<string> answers = await AnswersAsync(server);
        (await AnswersAsync(later)).ShouldBe(answers, "from any frontend");
        answers.Count(answer => answer.Contains("response", StringComparison.Ordinal)).ShouldBeGreaterThan(10);
    }

    private static async Task<List<string>> AnswersAsync(PgEtcdServer server)
    {
        await using GrpcChannel channel = new(server.ClientUrl);
        RpcClient client = new(channel);
        List<string> answers = [];
        while (answers.Count == 0 || !answers[^1].Contains("future", StringComparison.Ordinal))
        {
            string request = $$"""{"revision":"{{answers.Count}}"}""";
            answers.Add((await client.CallAsync("etcdserverpb.Maintenance/HashKV", request)).ToJson().ToJsonString());
        }

        return answers;
    }
}
