using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace PgEtcd.Snapshots.Bbolt;

/// <summary>
/// Writes a bbolt image from front to back (snapshot-format.md §12). Its first pages hold the place of the root and the number of pages,
/// so the same entries are passed twice: first to measure, then to write.
/// </summary>
internal sealed class BboltWriter
{
    private const ulong FreelistId = 2;

    /// <summary>The two meta pages and an empty freelist.</summary>
    private const ulong FirstTreePage = 3;

    private readonly IBufferWriter<byte>? _output;
    private readonly BboltLayout _layout;
    private readonly SortedList<string, ulong> _roots = new(StringComparer.Ordinal);
    private ulong _next = FirstTreePage;
    private string? _bucket;
    private TreeWriter? _tree;

    /// <param name="output">The output; it gets whole pages, soon after they are full. Null for a writer that only measures.</param>
    /// <param name="layout">The result of measuring the same entries, for a writer that writes.</param>
    public BboltWriter(IBufferWriter<byte>? output = null, BboltLayout layout = default)
    {
        _output = output;
        _layout = layout;
        if (output is null)
        {
            return;
        }

        for (ulong meta = 0; meta < 2; meta++)
        {
            Span<byte> page = NewPage(1);
            BboltFormat.WritePageHeader(page, meta, BboltFormat.MetaPage, 0, 0);
            BboltFormat.WriteMeta(page[BboltFormat.PageHeader..], layout.Root, FreelistId, layout.Pages, transaction: 2 - meta);
            output.Advance(page.Length);
        }

        Span<byte> freelist = NewPage(1);
        BboltFormat.WritePageHeader(freelist, FreelistId, BboltFormat.FreelistPage, 0, 0);
        output.Advance(freelist.Length);
    }

    /// <summary>Begins a bucket, which gets the entries added next. Buckets may come in any order.</summary>
    /// <param name="name">In ASCII.</param>
    public void BeginBucket(string name)
    {
        EndBucket();
        _bucket = name;
        _tree = new TreeWriter(Write, _output is null);
    }

    /// <summary>Adds an entry, in ascending order of keys.</summary>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => _tree!.Add(key, value.Length, value);

    /// <summary>Adds an entry by the length of its value, to a writer that measures.</summary>
    public void Measure(ReadOnlySpan<byte> key, int valueLength) => _tree!.Add(key, valueLength, []);

    /// <summary>Ends the file.</summary>
    /// <exception cref="InvalidOperationException">The written entries differ from the measured ones.</exception>
    public BboltLayout Finish()
    {
        EndBucket();
        TreeWriter root = new(Write, _output is null);
        Span<byte> header = stackalloc byte[BboltFormat.BucketHeader];
        foreach ((string name, ulong page) in _roots)
        {
            header.Clear();
            BinaryPrimitives.WriteUInt64LittleEndian(header, page);
            root.Add(Encoding.ASCII.GetBytes(name), header.Length, header, isBucket: true);
        }

        BboltLayout layout = new(root.Finish(), _next);
        return _output is null || layout == _layout
            ? layout
            : throw new InvalidOperationException($"Measured {_layout}, written {layout}.");
    }

    private void EndBucket()
    {
        if (_bucket is not null)
        {
            _roots.Add(_bucket, _tree!.Finish());
            _bucket = null;
        }
    }

    private ulong Write(PageBuilder page)
    {
        ulong id = _next;
        _next += (ulong)page.Pages;
        if (_output is not null)
        {
            Span<byte> bytes = NewPage(page.Pages);
            page.WriteTo(bytes, id);
            _output.Advance(bytes.Length);
        }

        return id;
    }

    private Span<byte> NewPage(int pages)
    {
        Span<byte> bytes = _output!.GetSpan(pages * BboltFormat.PageSize)[..(pages * BboltFormat.PageSize)];
        bytes.Clear();
        return bytes;
    }
}

/// <summary>The facts about a file that its first pages hold.</summary>
/// <param name="Root">The page of the root bucket.</param>
/// <param name="Pages">The number of pages.</param>
public readonly record struct BboltLayout(ulong Root, ulong Pages)
{
    /// <summary>Bytes of the image.</summary>
    public long Length => (long)Pages * BboltFormat.PageSize;
}
