using PgEtcd.Frontend.Members;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Members;

public class ClusterIdentityTests
{
    private static readonly string[] PeerUrls = ["http://localhost:2380"];

    [Fact]
    public void Defaults_give_the_ids_of_a_default_etcd() =>
        ClusterIdentity.From("default", "etcd-cluster", PeerUrls).ShouldBe(new ClusterIdentity(0x8e9e05c52164694d, 0xcdf818194e3a8c32));

    [Fact]
    public void Another_name_is_another_member_of_the_same_cluster()
    {
        ClusterIdentity a = ClusterIdentity.From("a", "etcd-cluster", PeerUrls);
        ClusterIdentity b = ClusterIdentity.From("b", "etcd-cluster", PeerUrls);

        a.MemberId.ShouldNotBe(b.MemberId);
        a.ClusterId.ShouldBe(0xcdf818194e3a8c32);
        b.ClusterId.ShouldBe(0xcdf818194e3a8c32);
    }

    [Fact]
    public void Another_token_is_another_cluster() =>
        ClusterIdentity.From("default", "other", PeerUrls).ClusterId.ShouldNotBe(0xcdf818194e3a8c32);

    [Fact]
    public void Peer_urls_change_the_member_and_not_the_cluster()
    {
        ClusterIdentity identity = ClusterIdentity.From("default", "etcd-cluster", ["http://10.0.0.1:2380"]);

        identity.MemberId.ShouldNotBe(0x8e9e05c52164694d);
        identity.ClusterId.ShouldBe(0xcdf818194e3a8c32);
    }
}
