using PgEtcd.Testing;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Tests the generator: two real etcds must give the same answers, so every request has one right answer.</summary>
[Trait("Category", "SelfTest")]
public sealed class EtcdDifferentialTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task Two_real_etcds_answer_random_requests_alike()
    {
        SelfTest.SkipUnlessAsked();
        await using EtcdServer one = await EtcdServer.StartAsync();
        await using EtcdServer other = await EtcdServer.StartAsync();
        await new DifferentialRun(one, other, DifferentialTests.Seed, output).RunAsync(DifferentialTests.Requests);
    }
}
