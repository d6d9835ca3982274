using PgEtcd.Testing;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Python;

/// <summary>Tests the scripts: they must succeed against real etcd.</summary>
[Trait("Category", "SelfTest")]
public sealed class EtcdPythonTests
{
    public static TheoryData<string> Scripts => PythonScript.Names;

    [SkippableTheory]
    [MemberData(nameof(Scripts))]
    public async Task Python_etcd3_works_with_real_etcd(string script)
    {
        SelfTest.SkipUnlessAsked();
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await PythonScript.RunAsync(etcd, script);
    }
}
