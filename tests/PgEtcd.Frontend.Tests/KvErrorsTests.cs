using PgEtcd.Mvcc;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests;

public sealed class KvErrorsTests
{
    [Fact]
    public void Each_error_of_the_key_space_is_that_of_etcd_with_its_name_and_a_state_that_is_missing_is_no_error()
    {
        foreach (KvError error in Enum.GetValues<KvError>().Except([KvError.None, KvError.HistoryNeeded]))
        {
            error.ToEtcd().ShouldNotBeNull().Name.ShouldBe(error == KvError.FutureRevision ? "FutureRev" : error.ToString());
        }

        KvError.None.ToEtcd().ShouldBeNull();
        Should.Throw<ArgumentOutOfRangeException>(() => KvError.HistoryNeeded.ToEtcd());
    }
}
