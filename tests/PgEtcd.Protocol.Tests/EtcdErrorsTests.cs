using System.Globalization;
using Grpc.Core;
using Shouldly;
using Xunit;

namespace PgEtcd.Protocol.Tests;

/// <summary>The catalogue has etcd's codes and texts; <c>errors.txt</c> holds the facts.</summary>
public sealed class EtcdErrorsTests
{
    private static readonly EtcdError[] All =
        [.. typeof(EtcdErrors).GetProperties().Select(property => property.GetValue(null)).Cast<EtcdError>()];

    [Fact]
    public void Every_error_has_the_code_and_the_text_of_etcds_typed_error()
    {
        Dictionary<string, string> facts = FactTable.Read("errors.txt").ToDictionary(fact => fact.Split(' ')[0]);

        facts.Count.ShouldBe(63);
        foreach (EtcdError error in All.Where(error => facts.ContainsKey(error.Name)))
        {
            string.Create(CultureInfo.InvariantCulture, $"{error.Name} {(int)error.Code} {error.Message}").ShouldBe(facts[error.Name]);
        }

        // etcd has no type for these.
        All.Select(error => error.Name).Except(facts.Keys).ShouldBe(
            [
                "PasswordForNoPasswordUser", "VerifyOnlyKey", "PasswordTooLong", "TransferTimeout", "UnknownMethod", "ElectionNotLeader",
                "ElectionNoLeader", "ElectionLeaderMissing", "LostWatcher", "SessionExpired", "RangeStreamSorted", "RangeStreamFiltered",
            ],
            ignoreOrder: true);
    }

    [Fact]
    public void Names_and_texts_are_unique()
    {
        All.Select(error => error.Name).ShouldBeUnique();
        All.Select(error => error.Message).ShouldBeUnique();
    }

    [Fact]
    public void An_exception_carries_the_status_and_is_not_shared()
    {
        RpcException first = EtcdErrors.Compacted.ToException();

        first.Status.ShouldBe(EtcdErrors.Compacted.Status);
        first.ShouldNotBeSameAs(EtcdErrors.Compacted.ToException());
    }

    [Fact]
    public void Lock_and_election_send_every_error_as_unknown()
    {
        Status status = EtcdErrors.SeenByRecipe(EtcdErrors.LeaseNotFound.Status);

        status.ShouldBe(new Status(StatusCode.Unknown, "etcdserver: requested lease not found"));
    }
}
