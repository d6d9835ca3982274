using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using PgEtcd.Snapshots.Bbolt;

namespace PgEtcd.Snapshots;

/// <summary>A snapshot of etcd 3.4 to 3.6, or the database file of a stopped member. Read in order, never as a whole.</summary>
public sealed class SnapshotFile : IDisposable
{
    /// <summary>An image is a multiple of this, so a file that is longer by a hash's length ends with a hash.</summary>
    private const int Sector = 512;

    private const int HashLength = SHA256.HashSizeInBytes;
    private const int HashBuffer = 1 << 20;

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly BboltReader _image;

    private SnapshotFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
        long length = RandomAccess.GetLength(handle);
        HasChecksum = length % Sector == HashLength;
        if (!HasChecksum && length % Sector != 0)
        {
            throw Damaged($"{length} bytes are no length that a snapshot can have, so it was cut short or is something else");
        }

        long imageLength = HasChecksum ? length - HashLength : length;
        if (HasChecksum)
        {
            CheckHash(imageLength);
        }

        _image = new BboltReader(handle, imageLength, Damaged);
        if (!_image.HasBucket(Buckets.Key) || !_image.HasBucket(Buckets.Meta))
        {
            throw new SnapshotException(
                $"{path} is a bbolt file but not one of etcd 3.4 or later: "
                + $"it has no bucket '{Buckets.Key}' or no bucket '{Buckets.Meta}'.");
        }

        CompactRevision = ReadCompactRevision();
    }

    /// <summary>Whether the file ended with a checksum, which was right. A member's database file has none.</summary>
    public bool HasChecksum { get; }

    /// <summary>The compaction mark; -1 if never compacted. A compaction that was begun counts, as etcd would finish it.</summary>
    public long CompactRevision { get; }

    /// <summary>Opens a file and checks its checksum, if it has one.</summary>
    /// <exception cref="SnapshotException">The file cannot be read, is damaged, or is not a snapshot.</exception>
    public static SnapshotFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path);
            return new SnapshotFile(handle, path);
        }
        catch (Exception exception)
        {
            handle?.Dispose();
            if (exception is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                throw new SnapshotException($"{path} cannot be read: {exception.Message.TrimEnd('.')}.", exception);
            }

            throw;
        }
    }

    /// <summary>All entries of the history, in order, with the bytes that etcd stores for them. Entries that only mark a revision have an
    /// empty key.</summary>
    /// <exception cref="SnapshotException">While enumerating: the file is damaged.</exception>
    public IEnumerable<(SnapshotChange Change, ReadOnlyMemory<byte> Encoded)> ReadHistory() =>
        _image.Entries(Buckets.Key).Select(entry => (
            SnapshotChange.Decode(entry.Key.Span, entry.Value)
                ?? throw Damaged($"the entry {Shown(entry.Key.Span)} of its history makes no sense"),
            entry.Value));

    /// <summary>The leases.</summary>
    /// <exception cref="SnapshotException">While enumerating: the file is damaged.</exception>
    public IEnumerable<SnapshotLease> ReadLeases() =>
        _image.Entries(Buckets.Lease).Select(
            entry => SnapshotLease.Decode(entry.Value) ?? throw Damaged("one of its leases makes no sense"));

    /// <summary>Users and roles.</summary>
    /// <exception cref="SnapshotException">The file is damaged.</exception>
    public SnapshotAuth ReadAuth()
    {
        SnapshotAuth auth = SnapshotAuth.None with
        {
            Users = [.. _image.Entries(Buckets.AuthUsers).Select(entry => (entry.Key, entry.Value))],
            Roles = [.. _image.Entries(Buckets.AuthRoles).Select(entry => (entry.Key, entry.Value))],
        };
        foreach (BboltEntry entry in _image.Entries(Buckets.Auth))
        {
            if (entry.Key.Span.SequenceEqual(Buckets.AuthEnabled))
            {
                auth = auth with { IsEnabled = entry.Value.Span is [1, ..] };
            }
            else if (entry.Key.Span.SequenceEqual(Buckets.AuthRevision)
                && BinaryPrimitives.TryReadInt64BigEndian(entry.Value.Span, out long revision))
            {
                auth = auth with { Revision = Math.Max(1, revision) };
            }
        }

        return auth;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private long ReadCompactRevision()
    {
        long found = -1;
        foreach (BboltEntry entry in _image.Entries(Buckets.Meta))
        {
            if (entry.Key.Span.SequenceEqual(Buckets.FinishedCompactRevision)
                || entry.Key.Span.SequenceEqual(Buckets.ScheduledCompactRevision))
            {
                found = RevisionKey.TryRead(entry.Value.Span, out long revision, out _, out _)
                    ? Math.Max(found, revision)
                    : throw Damaged("its compaction mark makes no sense");
            }
        }

        return found;
    }

    private void CheckHash(long imageLength)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[HashBuffer];
        for (long at = 0; at < imageLength;)
        {
            int read = RandomAccess.Read(_handle, buffer.AsSpan(0, (int)Math.Min(buffer.Length, imageLength - at)), at);
            if (read == 0)
            {
                throw Damaged($"it ends before byte {imageLength}");
            }

            hash.AppendData(buffer, 0, read);
            at += read;
        }

        Span<byte> expected = stackalloc byte[HashLength];
        if (RandomAccess.Read(_handle, expected, imageLength) != HashLength || !expected.SequenceEqual(hash.GetHashAndReset()))
        {
            throw Damaged("its checksum is not that of its content");
        }
    }

    private static string Shown(ReadOnlySpan<byte> key) => Convert.ToHexStringLower(key[..Math.Min(key.Length, RevisionKey.MostBytes)]);

    private SnapshotException Damaged(string what) => new($"{_path} is damaged: {what}.");
}
