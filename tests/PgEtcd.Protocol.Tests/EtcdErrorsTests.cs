using System.Globalization;
using Grpc.Core;
using Shouldly;
using Xunit;

namespace PgEtcd.Protocol.Tests;

/// <summary>The catalogue equals etcd's errors; <c>errors.txt</c> holds the facts.</summary>
public sealed class EtcdErrorsTests
{
    [Fact]
    public void Every_typed_error_of_etcd_is_in_the_catalogue_with_its_code_and_text()
    {
        Dictionary<string, EtcdError> catalogue = EtcdErrors.All.ToDictionary(error => error.Name);
        IReadOnlyList<string> facts = FactTable.Read("errors.txt");

        facts.Count.ShouldBe(63);
        foreach (string fact in facts)
        {
            string[] parts = fact.Split(' ', 3);
            EtcdError error = catalogue[parts[0]];
            ((int)error.Code).ShouldBe(int.Parse(parts[1], CultureInfo.InvariantCulture), fact);
            error.Message.ShouldBe(parts[2]);
        }
    }

    [Fact]
    public void Names_and_texts_are_unique()
    {
        EtcdErrors.All.Select(error => error.Name).ShouldBeUnique();
        EtcdErrors.All.Select(error => error.Message).ShouldBeUnique();
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
