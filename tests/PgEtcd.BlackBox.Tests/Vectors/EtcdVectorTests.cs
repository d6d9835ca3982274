using PgEtcd.Testing;
using PgEtcd.Testing.Rpc;
using PgEtcd.Testing.Vectors;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Vectors;

/// <summary>
/// Tests the runner on a real etcd 3.4. Not part of the usual run:
/// <c>TESTED_SELFTEST=1 dotnet test --filter Category=SelfTest</c>.
/// </summary>
[Trait("Category", "SelfTest")]
public sealed class EtcdVectorTests
{
    public static TheoryData<string> Files =>
        [.. VectorFile.Names("kv-"), .. VectorFile.Names("txn-"), .. VectorFile.Names("lease-"), .. VectorFile.Names("lock-")];

    [SkippableTheory]
    [MemberData(nameof(Files))]
    public async Task Real_etcd_reproduces_the_transcript(string file)
    {
        SelfTest.SkipUnlessAsked();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await VectorRunner.RunAsync(VectorFile.Read(file), etcd.ClientUrl, IsFatalTo34);
    }

    /// <summary>An unknown sort order or target, a number in the transcript, crashes 3.4.</summary>
    private static bool IsFatalTo34(VectorLine line)
    {
        string request = Json.Write(line.Json["request"]);
        return System.Text.RegularExpressions.Regex.IsMatch(request, "\"sort_(order|target)\":-?[0-9]");
    }
}
