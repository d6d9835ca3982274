using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>The transcripts of watches, which mostly wait for silence.</summary>
public sealed class WatchVectorTests(WatchVectorTests.Replays replays) : IClassFixture<WatchVectorTests.Replays>
{
    public static TheoryData<string> Files => [.. VectorFile.Names("watch-")];

    [Theory]
    [MemberData(nameof(Files))]
    public Task Every_line_of_the_transcript_is_reproduced(string file) => replays[file];

    /// <summary>Each runs on its own server.</summary>
    public sealed class Replays() : AllAtOnce(VectorFile.Names("watch-"))
    {
        protected override async Task RunAsync(PostgresFixture postgres, string name)
        {
            await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
            await VectorRunner.RunAsync(VectorFile.Read(name), server.ClientUrl);
        }
    }
}
