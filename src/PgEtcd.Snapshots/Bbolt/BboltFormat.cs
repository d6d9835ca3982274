using System.Buffers.Binary;

namespace PgEtcd.Snapshots.Bbolt;

/// <summary>Numbers of the bbolt file format (snapshot-format.md §2–§7). All integers are little-endian.</summary>
internal static class BboltFormat
{
    /// <summary>The page size of written files; readers take it from the file.</summary>
    public const int PageSize = 4096;

    /// <summary>Page header: id (8 bytes), flags (2), count (2), overflow (4).</summary>
    public const int PageHeader = 16;

    /// <summary>An element of a branch or leaf page, without its key and value.</summary>
    public const int Element = 16;

    /// <summary>The beginning of a bucket's value: root page (8), sequence (8).</summary>
    public const int BucketHeader = 16;

    public const int BranchPage = 0x01;
    public const int LeafPage = 0x02;
    public const int MetaPage = 0x04;
    public const int FreelistPage = 0x10;

    /// <summary>Flag of a leaf element whose value is a bucket.</summary>
    public const uint BucketElement = 0x01;

    private const int MetaLength = 64;
    private const int ChecksumAt = MetaLength - sizeof(ulong);
    private const uint Magic = 0xED0CDAED;
    private const uint Version = 2;

    /// <summary>Writes a meta page's content behind its page header.</summary>
    public static void WriteMeta(Span<byte> meta, ulong root, ulong freelist, ulong pages, ulong transaction)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(meta, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[8..], PageSize);
        BinaryPrimitives.WriteUInt32LittleEndian(meta[12..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[16..], root);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[24..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[32..], freelist);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[40..], pages);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[48..], transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(meta[ChecksumAt..], Fnv1a(meta[..ChecksumAt]));
    }

    /// <summary>Reads a meta page; null if it is not one or is incomplete.</summary>
    /// <param name="page">The page from its beginning; may be cut short behind the meta.</param>
    public static BboltMeta? ReadMeta(ReadOnlySpan<byte> page)
    {
        if (page.Length < PageHeader + MetaLength)
        {
            return null;
        }

        ReadOnlySpan<byte> meta = page.Slice(PageHeader, MetaLength);
        return BinaryPrimitives.ReadUInt32LittleEndian(meta) == Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(meta[4..]) == Version
            && BinaryPrimitives.ReadUInt64LittleEndian(meta[ChecksumAt..]) == Fnv1a(meta[..ChecksumAt])
            ? new BboltMeta(
                BinaryPrimitives.ReadUInt32LittleEndian(meta[8..]),
                BinaryPrimitives.ReadUInt64LittleEndian(meta[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(meta[40..]),
                BinaryPrimitives.ReadUInt64LittleEndian(meta[48..]))
            : null;
    }

    public static void WritePageHeader(Span<byte> page, ulong id, int flags, int count, int overflow)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page, id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], (ushort)flags);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], (ushort)count);
        BinaryPrimitives.WriteUInt32LittleEndian(page[12..], (uint)overflow);
    }

    private static ulong Fnv1a(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 0x100000001b3;
        }

        return hash;
    }
}

/// <summary>The content of a valid meta page.</summary>
/// <param name="PageSize">Bytes.</param>
/// <param name="Root">The page of the root bucket.</param>
/// <param name="Pages">The number of pages, which is also the first page that was never used.</param>
/// <param name="Transaction">Of two valid meta pages the one with the higher number applies.</param>
internal readonly record struct BboltMeta(uint PageSize, ulong Root, ulong Pages, ulong Transaction);
