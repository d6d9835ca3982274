using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>The transcripts of users, roles and permissions.</summary>
public sealed class AuthVectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int InvalidAuthToken = 16;

    private static readonly string[] AuthErrors = ["etcdserver: user name is empty", "etcdserver: invalid auth token", "etcdserver: permission denied"];

    public static TheoryData<string> Files => [.. VectorFile.Names("auth-")];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_line_of_the_transcript_comes_out_the_same(string file)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateDatabaseAsync(), moreArguments: ["--bcrypt-cost", "4"]);
        await VectorRunner.RunAsync(VectorFile.Read(file), server.ClientUrl, line => IsOtherwiseInVersion37(line) || IsNotThereYet(line));
    }

    /// <summary>AuthStatus needs no credentials in 3.7, which we follow; a bad token is still refused.</summary>
    private static bool IsOtherwiseInVersion37(VectorLine line) =>
        line.Text("rpc") == "etcdserverpb.Auth/AuthStatus" && line.Json["error"] is { } error && (int)error["code"]! != InvalidAuthToken;

    /// <summary>Let in by auth, and then the service is not there. To be deleted when it is.</summary>
    private static bool IsNotThereYet(VectorLine line) =>
        (line.Text("rpc")?.StartsWith("etcdserverpb.Maintenance/", StringComparison.Ordinal) == true
            || (line.Text("rpc")?.StartsWith("etcdserverpb.Cluster/", StringComparison.Ordinal) == true && line.Text("rpc") != "etcdserverpb.Cluster/MemberList"))
        && (line.Json["error"] is not { } error || !AuthErrors.Contains((string)error["message"]!));
}
