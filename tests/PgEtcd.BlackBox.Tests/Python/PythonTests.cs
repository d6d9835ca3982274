using Xunit;

namespace PgEtcd.BlackBox.Tests.Python;

/// <summary>A client for Python that knows nothing of us finds etcd.</summary>
public sealed class PythonTests(OneServer one) : IClassFixture<OneServer>
{
    public static TheoryData<string> Scripts => PythonScript.Names;

    [SkippableTheory]
    [MemberData(nameof(Scripts))]
    public Task Python_etcd3_works(string script) => PythonScript.RunAsync(one.Server, script);
}
