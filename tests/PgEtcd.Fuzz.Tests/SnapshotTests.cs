using System.Text;
using PgEtcd.Snapshots;
using PgEtcd.Snapshots.Bbolt;
using PgEtcd.Snapshots.Tests;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Snapshot files with correct checksums and wrong contents are read, or refused as damaged.</summary>
public sealed class SnapshotTests : IDisposable
{
    /// <summary>A reader needs some pages of some kilobytes, whatever lengths the file claims.</summary>
    private const long MostAllocated = 256L << 20;

    private static readonly byte[] Image = MakeImage();

    private readonly TempDirectory _directory = new("fuzz-snapshot", inMemory: true);

    [Fact]
    public Task A_damaged_file_is_refused_and_costs_no_more_than_a_good_one() => FuzzRun.AllAsync(1500, 1, seed =>
    {
        Random random = new(seed);
        byte[] image = [.. Image];
        for (int places = random.Next(1, 8); places > 0; places--)
        {
            // At the headers of pages and elements, where a change has most effect; or anywhere.
            int at = random.Next(2) == 0 ? random.Next(image.Length / 4096) * 4096 + random.Next(128) : random.Next(image.Length);
            int length = Math.Min(random.Next(1, 16), image.Length - at);
            byte[] changed = Mutation.Of(random, image.AsSpan(at, length));
            changed.AsSpan(0, Math.Min(changed.Length, length)).CopyTo(image.AsSpan(at));
        }

        if (random.Next(10) == 0)
        {
            image = image[..(random.Next(image.Length / 512) * 512)];
        }

        string path = Path.Combine(_directory.Path, "snapshot.db");
        File.WriteAllBytes(path, random.Next(2) == 0 ? image : SampleFile.WithChecksum(image));
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            ReadAll(path);
        }
        catch (SnapshotException damaged)
        {
            damaged.Message.ShouldStartWith(path);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(MostAllocated);
        return Task.CompletedTask;
    });

    public void Dispose() => _directory.Dispose();

    private static void ReadAll(string path)
    {
        using SnapshotFile file = SnapshotFile.Open(path);
        _ = file.ReadLeases().Count();
        _ = file.ReadAuth();
        _ = new HistorySurvey(file, _ => { }, CancellationToken.None);
        _ = file.ReadHistory().Count();
    }

    private static byte[] MakeImage()
    {
        SnapshotChange[] changes = [.. Enumerable.Range(2, 600).Select(revision => new SnapshotChange(
            revision, 0, Encoding.UTF8.GetBytes($"key/{revision % 50}"), revision % 7 == 0
                ? null
                : (ReadOnlyMemory<byte>)new byte[revision % 300], revision, 1, revision % 3))];
        SnapshotLease[] leases = [.. Enumerable.Range(1, 20).Select(id => new SnapshotLease(id, 60))];
        return SampleFile.Image(changes, 2, leases);
    }
}
