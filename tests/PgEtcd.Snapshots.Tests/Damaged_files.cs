using System.Buffers.Binary;
using System.Diagnostics;
using PgEtcd.Snapshots.Bbolt;
using Shouldly;
using Xunit;
using static PgEtcd.Snapshots.Tests.SampleFile;

namespace PgEtcd.Snapshots.Tests;

/// <summary>Reading any file ends soon, uses little memory, and reports errors in one sentence.</summary>
public sealed class Damaged_files
{
    private const int PageSize = 4096;
    private const long MostBytes = 64 << 20;

    private static readonly byte[] Sound = Image(
        [.. Enumerable.Range(2, 3_000).Select(
            i => i % 7 == 0 ? Delete(i, $"key{i % 50}") : Put(i, $"key{i % 50}", new string('v', i % 90)))],
        compactRevision: 40, new SnapshotLease(1, 60), new SnapshotLease(2, 60));

    [Fact]
    public void Any_part_may_be_overwritten_with_anything()
    {
        Random random = new(4711);
        int refused = 0;
        for (int round = 0; round < 1_500; round++)
        {
            byte[] image = [.. Sound];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                Overwrite(image, random);
            }

            refused += Read(image) is null ? 0 : 1;
        }

        refused.ShouldBeGreaterThan(500);
    }

    [Fact]
    public void A_file_may_end_anywhere()
    {
        Random random = new(4712);
        for (int round = 0; round < 200; round++)
        {
            int length = round < 40 ? round * 512 : random.Next(Sound.Length);
            Read(Sound[..length]).ShouldNotBeNull($"{length} bytes");
            Read(WithChecksum(Sound)[..(length + 32)]).ShouldNotBeNull($"{length} bytes and 32");
        }
    }

    [Fact]
    public void A_wrong_checksum_is_reported()
    {
        byte[] file = WithChecksum(Sound);
        file[^1] ^= 1;
        Refused(file).ShouldEndWith("is damaged: its checksum is not that of its content.");
        file = WithChecksum(Sound);
        file[12_345] ^= 1;
        Refused(file).ShouldEndWith("is damaged: its checksum is not that of its content.");
    }

    [Fact]
    public void A_branch_that_leads_back_to_itself_is_found()
    {
        int branch = Branch();
        Refused(Patched(image => U64(image, (branch * PageSize) + 16 + 8, (ulong)branch))).ShouldEndWith($"page {branch} is used twice.");
    }

    [Fact]
    public void Two_branches_that_lead_to_one_leaf_are_found() =>
        Refused(Patched(image => U64(image, (Branch() * PageSize) + 32 + 8, 3))).ShouldEndWith("page 3 is used twice.");

    [Fact]
    public void A_page_beyond_the_end_is_found() =>
        Refused(Patched(image => U64(image, (Branch() * PageSize) + 16 + 8, ulong.MaxValue))).ShouldEndWith(
            "page 18446744073709551615, which cannot be.");

    [Fact]
    public void A_count_that_does_not_fit_is_found() =>
        Refused(Patched(image => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan((3 * PageSize) + 10), ushort.MaxValue)))
            .ShouldEndWith("page 3 says it has 65535 elements, which do not fit in it.");

    [Fact]
    public void An_overflow_that_does_not_fit_is_found() =>
        Refused(Patched(image => U32(image, (3 * PageSize) + 12, uint.MaxValue))).ShouldEndWith(
            "page 3 claims to be 4294967296 pages long.");

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(12)]
    public void An_element_that_reaches_beyond_its_page_is_found(int field) =>
        Refused(Patched(image => U32(image, (3 * PageSize) + 16 + field, uint.MaxValue))).ShouldEndWith(
            "element 0 of page 3 reaches beyond the page.");

    [Fact]
    public void A_meta_page_with_a_wrong_checksum_does_not_count_and_the_other_does()
    {
        Read(Patched(image => image[16 + 40] ^= 1)).ShouldBeNull();
        Read(Patched(image => image[PageSize + 16 + 40] ^= 1)).ShouldBeNull();
        Refused(Patched(image =>
        {
            image[16 + 40] ^= 1;
            image[PageSize + 16 + 40] ^= 1;
        })).ShouldEndWith("it has no valid meta page, so it is no bbolt file or its beginning is lost.");
    }

    [Fact]
    public void Keys_out_of_order_are_found() => Read(Patched(image =>
    {
        int second = (3 * PageSize) + 16 + 16;
        image[second + (int)BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(second + 4))] = 0xff;
    })).ShouldNotBeNull();

    [Fact]
    public void A_file_of_another_kind_is_reported_as_such()
    {
        Refused([]).ShouldContain("no valid meta page");
        Refused("#!/bin/sh\n"u8.ToArray()).ShouldContain("10 bytes are no length");
        Refused(new byte[8192]).ShouldContain("no valid meta page");
        string missing = Path.Combine(Path.GetTempPath(), "no-such-file");
        Should.Throw<SnapshotException>(() => SnapshotFile.Open(missing)).Message.ShouldStartWith($"{missing} cannot be read: ");
        Should.Throw<SnapshotException>(() => SnapshotFile.Open(Path.GetTempPath())).Message.ShouldContain(" cannot be read: ");
    }

    /// <summary>The first branch page.</summary>
    private static int Branch() => Enumerable.Range(3, (Sound.Length / PageSize) - 3).First(page => Sound[(page * PageSize) + 8] == 1);

    private static byte[] Patched(Action<byte[]> patch)
    {
        byte[] image = [.. Sound];
        patch(image);
        return image;
    }

    private static void Overwrite(byte[] image, Random random)
    {
        // Mostly in a page's header or first elements, which describe the page.
        int at = random.Next(3) == 0 ? random.Next(image.Length - 8) : (random.Next(image.Length / PageSize) * PageSize) + random.Next(100);
        ulong extreme = random.Next(5) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => 1UL << random.Next(64),
            3 => (ulong)random.Next(300),
            _ => (ulong)random.NextInt64(),
        };
        Span<byte> word = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(word, extreme);
        word[..(1 << random.Next(4))].CopyTo(image.AsSpan(at));
    }

    private static void U32(byte[] image, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), value);

    private static void U64(byte[] image, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at), value);

    private static string Refused(byte[] content) => Read(content).ShouldNotBeNull();

    /// <summary>Reads the whole file.</summary>
    /// <returns>The error, or null.</returns>
    private static string? Read(byte[] content)
    {
        using SampleFile file = new(content);
        long started = Stopwatch.GetTimestamp();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        string? sentence = null;
        try
        {
            file.ReadAll();
        }
        catch (SnapshotException exception)
        {
            sentence = exception.Message;
            sentence.ShouldStartWith(file.Path);
            sentence.ShouldEndWith(".");
            sentence.ShouldNotContain("\n");
        }

        Stopwatch.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(60));
        (GC.GetAllocatedBytesForCurrentThread() - allocated).ShouldBeLessThan(MostBytes);
        return sentence;
    }
}
