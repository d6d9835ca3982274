using System.Buffers.Binary;
using System.Collections;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace PgEtcd.Snapshots.Bbolt;

/// <summary>
/// Reads a bbolt image page by page, in order. The file may be damaged or forged: all numbers in it are checked against its length, no
/// page is visited twice, and no more than one path of pages is in memory.
/// </summary>
internal sealed class BboltReader
{
    private const int SmallestPage = 512;
    private const int LargestPage = 1 << 20;

    /// <summary>The longest run of overflow pages: far above any value that etcd accepts, and a bound for memory.</summary>
    private const long LongestRun = 256 << 20;

    /// <summary>Most levels of a tree. etcd's are far flatter: even with a page size of 512 a million pages need five levels.</summary>
    private const int MostLevels = 64;

    private readonly SafeFileHandle _file;
    private readonly Func<string, SnapshotException> _damaged;
    private readonly long _length;
    private readonly int _pageSize;
    private readonly int _pages;
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _buckets = [];

    /// <param name="file">The file.</param>
    /// <param name="length">Bytes of the image, without a checksum behind it.</param>
    /// <param name="damaged">Makes an exception from the reason.</param>
    /// <exception cref="SnapshotException">The file is not a bbolt file, or is damaged.</exception>
    public BboltReader(SafeFileHandle file, long length, Func<string, SnapshotException> damaged)
    {
        _file = file;
        _length = length;
        _damaged = damaged;
        BboltMeta meta = FindMeta();
        _pageSize = (int)meta.PageSize;
        if (meta.Pages > (ulong)(length / _pageSize))
        {
            throw damaged($"it should have {meta.Pages} pages of {_pageSize} bytes and is {length} bytes long");
        }

        _pages = (int)Math.Min(meta.Pages, int.MaxValue);
        foreach (BboltEntry entry in Walk(meta.Root))
        {
            if (!entry.IsBucket || entry.Value.Length < BboltFormat.BucketHeader)
            {
                throw damaged("its root holds something that is not a bucket");
            }

            _buckets.Add(Encoding.Latin1.GetString(entry.Key.Span), entry.Value.ToArray());
        }
    }

    /// <summary>Whether a bucket exists.</summary>
    public bool HasBucket(string name) => _buckets.ContainsKey(name);

    /// <summary>The entries of a bucket in key order; none if it does not exist.</summary>
    /// <exception cref="SnapshotException">While enumerating: the file is damaged.</exception>
    public IEnumerable<BboltEntry> Entries(string bucket)
    {
        if (!_buckets.TryGetValue(bucket, out ReadOnlyMemory<byte> value))
        {
            return [];
        }

        ulong root = BinaryPrimitives.ReadUInt64LittleEndian(value.Span);
        return root == 0 ? Inline(bucket, value[BboltFormat.BucketHeader..]) : Walk(root);
    }

    private IEnumerable<BboltEntry> Inline(string bucket, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < BboltFormat.PageHeader)
        {
            throw _damaged($"its bucket '{bucket}' has no page");
        }

        BboltPage page = new(bytes, _damaged);
        return page.IsLeaf
            ? Ordered(Enumerable.Range(0, page.Count).Select(page.Entry))
            : throw _damaged($"its bucket '{bucket}' has no leaf");
    }

    private IEnumerable<BboltEntry> Walk(ulong root)
    {
        IEnumerable<BboltPage> leaves = Leaves(root, new BitArray(_pages), level: 0);
        foreach (BboltEntry entry in Ordered(leaves.SelectMany(page => Enumerable.Range(0, page.Count).Select(page.Entry))))
        {
            yield return entry;
        }
    }

    private IEnumerable<BboltPage> Leaves(ulong id, BitArray visited, int level)
    {
        BboltPage page = Read(id, visited);
        if (page.IsLeaf)
        {
            yield return page;
            yield break;
        }

        if (level == MostLevels)
        {
            throw _damaged($"its tree has more than {MostLevels} levels");
        }

        for (int i = 0; i < page.Count; i++)
        {
            foreach (BboltPage leaf in Leaves(page.Child(i), visited, level + 1))
            {
                yield return leaf;
            }
        }
    }

    private IEnumerable<BboltEntry> Ordered(IEnumerable<BboltEntry> entries)
    {
        ReadOnlyMemory<byte>? previous = null;
        foreach (BboltEntry entry in entries)
        {
            if (previous is { } before && before.Span.SequenceCompareTo(entry.Key.Span) >= 0)
            {
                throw _damaged("its keys are not in order");
            }

            previous = entry.Key;
            yield return entry;
        }
    }

    private BboltPage Read(ulong id, BitArray visited)
    {
        if (id < 2 || id >= (ulong)_pages)
        {
            throw _damaged($"it refers to page {id}, which cannot be");
        }

        Span<byte> header = stackalloc byte[BboltFormat.PageHeader];
        ReadExactly(header, (long)id * _pageSize);
        long run = 1 + (long)BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != id)
        {
            throw _damaged($"page {id} has another number inside");
        }

        if ((long)id + run > _pages || run * _pageSize > LongestRun)
        {
            throw _damaged($"page {id} claims to be {run} pages long");
        }

        for (int page = (int)id; page < (int)id + run; page++)
        {
            if (visited[page])
            {
                throw _damaged($"page {page} is used twice");
            }

            visited[page] = true;
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)(run * _pageSize));
        ReadExactly(bytes, (long)id * _pageSize);
        return new BboltPage(bytes, _damaged);
    }

    /// <summary>The newer of the valid meta pages. The place of the second depends on the page size, which only a meta page holds: if the
    /// first is damaged, the second is looked for at every possible place.</summary>
    private BboltMeta FindMeta()
    {
        BboltMeta? best = MetaAt(0, null);
        for (int size = SmallestPage; size <= LargestPage; size *= 2)
        {
            BboltMeta? second = MetaAt(size, size);
            best = second is { } && (best is null || (best.Value.PageSize == size && second.Value.Transaction > best.Value.Transaction))
                ? second
                : best;
        }

        return best ?? throw _damaged("it has no valid meta page, so it is no bbolt file or its beginning is lost");
    }

    private BboltMeta? MetaAt(long offset, int? pageSize)
    {
        byte[] bytes = new byte[SmallestPage];
        if (offset + bytes.Length > _length)
        {
            return null;
        }

        ReadExactly(bytes, offset);
        return BboltFormat.ReadMeta(bytes) is { PageSize: >= SmallestPage and <= LargestPage } meta
            && (meta.PageSize & (meta.PageSize - 1)) == 0 && (pageSize is null || pageSize == meta.PageSize)
            ? meta
            : null;
    }

    private void ReadExactly(Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int read = RandomAccess.Read(_file, bytes, offset);
            if (read == 0)
            {
                throw _damaged($"it ends before byte {offset + bytes.Length}");
            }

            bytes = bytes[read..];
            offset += read;
        }
    }
}
