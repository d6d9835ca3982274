using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using PgEtcd.Snapshots.Bbolt;

namespace PgEtcd.Snapshots.Tests;

/// <summary>A snapshot in a temporary file.</summary>
internal sealed class SampleFile : IDisposable
{
    public SampleFile(ReadOnlySpan<byte> content) => File.WriteAllBytes(Path, content);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"pgetcd-snapshot-{Guid.NewGuid():N}");

    /// <summary>The image of a history, without a checksum, made like the server's: measured, then written.</summary>
    public static byte[] Image(IReadOnlyCollection<SnapshotChange> changes, long compactRevision = -1, params SnapshotLease[] leases) =>
        Image(changes, SnapshotAuth.None, compactRevision, leases);

    /// <summary>The same with users and roles.</summary>
    public static byte[] Image(
        IReadOnlyCollection<SnapshotChange> changes, SnapshotAuth auth, long compactRevision = -1, params SnapshotLease[] leases)
    {
        SnapshotWriter measure = new();
        foreach (SnapshotChange change in changes)
        {
            measure.Measure(change with { Key = default, Value = null }, change.Key.Length, change.Value?.Length);
        }

        BboltLayout layout = measure.Finish(compactRevision, leases, auth);
        ArrayBufferWriter<byte> output = new();
        SnapshotWriter writer = new(output, layout);
        foreach (SnapshotChange change in changes)
        {
            writer.Add(change);
        }

        if (writer.Finish(compactRevision, leases, auth) != layout || output.WrittenCount != layout.Length)
        {
            throw new InvalidOperationException("What was written is not as long as what was measured.");
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>An image with its checksum behind it.</summary>
    public static byte[] WithChecksum(byte[] image) => [.. image, .. SHA256.HashData(image)];

    public static SnapshotChange Put(
        long revision, string key, string value, long version = 1, long? created = null, int sub = 0, long lease = 0) =>
        new(revision, sub, Bytes(key), Bytes(value), created ?? revision, version, lease);

    public static SnapshotChange Delete(long revision, string key, int sub = 0) => new(revision, sub, Bytes(key), null, 0, 0, 0);

    /// <summary>Opens the file, reads its whole content, and describes the changes in words.</summary>
    public List<string> ReadAll()
    {
        using SnapshotFile file = SnapshotFile.Open(Path);
        _ = file.ReadLeases().Count();
        _ = file.ReadAuth();
        return [.. file.ReadHistory().Select(entry => Words(entry.Change))];
    }

    public static string Words(SnapshotChange change) =>
        $"{change.Revision}.{change.Sub} {Hex(change.Key)} {(change.Value is { } value ? Hex(value) : "deleted")} "
        + $"{change.CreateRevision} {change.Version} {change.Lease}";

    public void Dispose() => File.Delete(Path);

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
