using System.Buffers;
using System.Text;
using PgEtcd.Snapshots.Bbolt;
using Shouldly;
using Xunit;
using static PgEtcd.Snapshots.Tests.SampleFile;

namespace PgEtcd.Snapshots.Tests;

/// <summary>The part of a file's history that is imported (snapshot-format.md §11).</summary>
public sealed class History_surveys
{
    [Fact]
    public void Without_a_compaction_everything_is_imported() =>
        Present(-1, Put(2, "a", "1"), Put(3, "a", "2", version: 2, created: 2), Delete(4, "a"), Put(5, "a", "3"))
            .ShouldBe("a@2 a@3 a@4 a@5");

    [Fact]
    public void An_interrupted_compaction_is_finished() =>
        Present(6, Put(2, "a", "1"), Put(3, "b", "1"), Put(4, "a", "2"), Delete(5, "b"), Delete(6, "a"), Put(7, "a", "3"), Put(8, "c", "1"))
            .ShouldBe("a@6 a@7 c@8");

    [Fact]
    public void Rows_current_at_the_mark_stay() =>
        Present(4, Put(2, "a", "1"), Put(3, "b", "1"), Put(4, "a", "2"), Put(6, "b", "2"))
            .ShouldBe("b@3 a@4 b@6");

    [Fact]
    public void The_mark_may_be_above_everything()
    {
        using SampleFile file = new(Image([Put(2, "a", "1")], 1_000_002));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        HistorySurvey survey = new(opened, _ => { }, CancellationToken.None);
        survey.Revision.ShouldBe(1_000_002);
        opened.ReadHistory().ShouldAllBe(entry => survey.IsPresent(entry.Change) && survey.IsKept(entry.Change));
    }

    [Fact]
    public void An_entry_that_only_marks_a_raised_revision_counts_as_nothing_else()
    {
        // As written by etcdutl snapshot restore --bump-revision (snapshot-format.md §9).
        using SampleFile file = new(WithMarker(Fill(new BboltWriter(), 1_000), 1_000));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        HistorySurvey survey = new(opened, _ => { }, CancellationToken.None);
        survey.Revision.ShouldBe(1_000);
        opened.ReadHistory().Select(entry => survey.IsPresent(entry.Change)).ShouldBe([true, false]);
    }

    [Fact]
    public void HashKV_counts_of_what_is_compacted_only_what_is_current_and_no_tombstones_at_the_mark()
    {
        // a is superseded above the mark, b is current, c was deleted at the mark, d lives above it.
        SnapshotChange[] changes = [Put(2, "a", "1"), Put(3, "b", "1"), Delete(5, "c"), Put(6, "a", "2"), Put(7, "d", "1")];
        Hash(5, changes).ShouldBe(Crc(changes[1], changes[3], changes[4]));
        Hash(-1, changes).ShouldBe(Crc(changes));
    }

    [Fact]
    public void HashKV_of_a_store_without_keys_covers_the_rows_at_the_mark() =>
        // As in etcd, which does not check if there is nothing to keep (semantics.md §10.1).
        Hash(3, Put(2, "a", "1"), Delete(3, "b"), Delete(4, "a")).ShouldBe(Crc(Put(2, "a", "1"), Delete(4, "a")));

    private static string Present(long compactRevision, params SnapshotChange[] changes)
    {
        using SampleFile file = new(Image(changes, compactRevision));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        HistorySurvey survey = new(opened, _ => { }, CancellationToken.None);
        survey.Entries.ShouldBe(changes.Length);
        return string.Join(' ', opened.ReadHistory().Where(entry => survey.IsPresent(entry.Change))
            .Select(entry => $"{Encoding.UTF8.GetString(entry.Change.Key.Span)}@{entry.Change.Revision}"));
    }

    private static byte[] WithMarker(BboltLayout layout, long marker)
    {
        ArrayBufferWriter<byte> output = new();
        Fill(new BboltWriter(output, layout), marker);
        return output.WrittenSpan.ToArray();
    }

    private static BboltLayout Fill(BboltWriter writer, long marker)
    {
        SnapshotChange put = Put(2, "a", "1");
        writer.BeginBucket("key");
        writer.Add(RevisionKey.Write(new byte[RevisionKey.MostBytes], 2, 0, isTombstone: false), put.Encode().Span);
        writer.Add(RevisionKey.Write(new byte[RevisionKey.MostBytes], marker, 0, isTombstone: false), []);
        writer.BeginBucket("meta");
        writer.Add("scheduledCompactRev"u8, RevisionKey.Write(new byte[RevisionKey.MostBytes], marker, 0, isTombstone: false));
        return writer.Finish();
    }

    private static uint Hash(long compactRevision, params SnapshotChange[] changes)
    {
        using SampleFile file = new(Image(changes, compactRevision));
        using SnapshotFile opened = SnapshotFile.Open(file.Path);
        HistorySurvey survey = new(opened, _ => { }, CancellationToken.None);
        HashKv hash = new(survey.Revision, compactRevision, survey.AnyKept);
        foreach ((SnapshotChange change, ReadOnlyMemory<byte> encoded) in opened.ReadHistory())
        {
            if (survey.IsPresent(change))
            {
                hash.Add(change.Revision, change.Sub, change.IsTombstone, survey.IsKept(change), encoded.Span);
            }
        }

        return hash.Value;
    }

    /// <summary>CRC-32C bit by bit, over the entries as in etcd's file.</summary>
    private static uint Crc(params SnapshotChange[] changes)
    {
        List<byte> bytes = [.. "key"u8];
        foreach (SnapshotChange change in changes)
        {
            bytes.AddRange(RevisionKey.Write(new byte[RevisionKey.MostBytes], change.Revision, change.Sub, change.IsTombstone));
            bytes.AddRange(change.Encode().ToArray());
        }

        uint crc = uint.MaxValue;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
