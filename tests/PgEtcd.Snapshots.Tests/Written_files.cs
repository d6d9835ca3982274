using FsCheck;
using FsCheck.Fluent;
using Shouldly;
using Xunit;
using static PgEtcd.Snapshots.Tests.SampleFile;

namespace PgEtcd.Snapshots.Tests;

public sealed class Written_files
{
    [Fact]
    public void Any_content_is_read_back()
    {
        // From an empty tree to three levels; values from empty to several pages.
        Gen<byte[]> key = Gen.Choose(1, 40).SelectMany(length => Gen.Choose(0, 255).Select(one => (byte)one).ArrayOf(length));
        Gen<byte[]?> value = Gen.Frequency<byte[]?>(
            (2, Gen.Constant<byte[]?>(null)),
            (10, Gen.Choose(0, 300).Select(length => (byte[]?)new byte[length])),
            (1, Gen.Choose(3_900, 4_200).Select(length => (byte[]?)Enumerable.Repeat((byte)7, length).ToArray())),
            (1, Gen.Choose(4_000, 30_000).Select(length => (byte[]?)new byte[length])));
        Gen<(byte[] Key, byte[]? Value, int Lease, bool SameRevision)> change =
            from k in key
            from v in value
            from lease in Gen.Choose(-2, 2)
            from same in Gen.Elements(true, false)
            select (k, v, lease, same);
        Gen<int> size = Gen.Frequency((1, Gen.Choose(0, 3)), (4, Gen.Choose(3, 600)));
        Arbitrary<(byte[], byte[]?, int, bool)[]> histories = size.SelectMany(count => change.ArrayOf(count)).ToArbitrary();

        Prop.ForAll(histories, history =>
        {
            List<SnapshotChange> changes = [];
            long revision = 1;
            int sub = 0;
            foreach ((byte[] k, byte[]? v, int lease, bool same) in history)
            {
                (revision, sub) = same && changes.Count > 0 ? (revision, sub + 1) : (revision + 1, 0);
                changes.Add(v is null
                    ? new SnapshotChange(revision, sub, k, null, 0, 0, 0)
                    : new SnapshotChange(revision, sub, k, v.AsMemory(), 1 + (revision / 2), 1 + (revision % 300), lease));
            }

            using SampleFile file = new(WithChecksum(Image(changes)));
            file.ReadAll().ShouldBe(changes.Select(Words));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    /// <summary>The names of users and roles are keys of unlimited length.</summary>
    [Theory]
    [InlineData(2_050)]
    [InlineData(5_000)]
    [InlineData(70_000)]
    public void Keys_longer_than_a_page_are_read_back(int length)
    {
        (ReadOnlyMemory<byte>, ReadOnlyMemory<byte>)[] users = [.. Enumerable.Range(0, 9).Select(i =>
            (
                (ReadOnlyMemory<byte>)Enumerable.Repeat((byte)('a' + i), length + i).ToArray(),
                (ReadOnlyMemory<byte>)new byte[] { (byte)i }))];
        using SampleFile file = new(WithChecksum(Image([], new SnapshotAuth(false, 1, users, []))));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        opened.ReadAuth().Users.Select(user => (Convert.ToHexString(user.Name.Span), user.Record.Span[0]))
            .ShouldBe(users.Select(user => (Convert.ToHexString(user.Item1.Span), user.Item2.Span[0])));
    }

    [Fact]
    public void A_tree_of_many_levels_is_read_back()
    {
        SnapshotChange[] changes = [.. Enumerable.Range(2, 60_000).Select(revision => Put(revision, "k", new string('v', 250)))];
        using SampleFile file = new(WithChecksum(Image(changes)));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        IEnumerable<long> revisions = opened.ReadHistory().Select(entry => entry.Change.Revision);
        revisions.ShouldBe(changes.Select(change => change.Revision));
        revisions.Count().ShouldBe(changes.Length); // the second reading of the same pages
    }

    [Fact]
    public void Leases_come_back_also_negative_ones()
    {
        SnapshotLease[] leases = [
            new(-5, 60), new(1, 9_000_000_000), new(long.MinValue, 1), new(7587869134216938000, 300),
            .. Enumerable.Range(100, 500).Select(id => new SnapshotLease(id, id))];
        using SampleFile file = new(WithChecksum(Image([], -1, leases)));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        opened.ReadLeases().OrderBy(lease => lease.Id).ShouldBe(leases.OrderBy(lease => lease.Id));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(7)]
    public void The_compaction_mark_comes_back(long mark)
    {
        using SampleFile file = new(WithChecksum(Image([Put(9, "a", "1")], mark)));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        opened.CompactRevision.ShouldBe(mark);
        opened.ReadAuth().IsUsed.ShouldBeFalse();
        opened.HasChecksum.ShouldBeTrue();
    }

    [Fact]
    public void An_image_without_a_checksum_is_read_as_a_members_file()
    {
        using SampleFile file = new(Image([Put(2, "a", "1")]));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        opened.HasChecksum.ShouldBeFalse();
        opened.ReadHistory().Count().ShouldBe(1);
    }

    [Fact]
    public void Changes_that_do_not_ascend_are_not_written()
    {
        SnapshotWriter writer = new();
        writer.Add(Put(3, "a", "1"));
        Should.Throw<ArgumentException>(() => writer.Add(Put(2, "b", "1")));
        Should.Throw<ArgumentException>(() => writer.Add(Put(3, "b", "1")));
    }
}
