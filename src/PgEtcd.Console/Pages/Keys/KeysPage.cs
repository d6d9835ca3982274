using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Pages.Keys;

/// <summary>The keys as a tree, as a list, or as the results of a search.</summary>
internal sealed class KeysPage(KeySource keys) : IPage
{
    private readonly LevelReader _levels = new(keys);

    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] prefix = visit.Bytes("prefix") ?? [];
        byte[] separator = KeyText.Parse(visit.Text("sep") ?? "/");
        byte[] from = visit.Bytes("from") ?? [];
        byte[]? start = visit.Bytes("start");
        byte[]? wanted = visit.Bytes("q");
        bool inValues = visit.Text("values") == "1";
        bool isList = visit.Text("view") == "list" || start is not null;
        KeyRange range = start is null ? Ranges.Prefix(prefix) : Ranges.Between(start, visit.Bytes("end"));
        if (!visit.Visitor.MayRead(range) && visit.Visitor.ReadableRanges.Any())
        {
            return new PageAnswer("Keys", typeof(ReadableView), Readable(visit));
        }

        (List<KeyRow> rows, byte[]? next) = wanted is not null ? await _levels.SearchAsync(visit, prefix, wanted, inValues, from)
            : isList ? await _levels.ListAsync(visit, range, from)
            : await _levels.LevelAsync(visit, prefix, separator, from);
        string? more = next is null ? null : visit.Link(
            "/keys", ("prefix", prefix), ("sep", SeparatorOf(separator)), ("view", isList ? "list" : null), ("start", start),
            ("end", visit.Bytes("end")),
            ("q", wanted), ("values", inValues ? 1 : null), ("from", next));
        return new PageAnswer(prefix.Length == 0 ? "Keys" : KeyText.Of(prefix), typeof(KeysView), new KeysModel(
            new KeyRows(rows, isList || wanted is not null ? [] : prefix, separator, 0, more),
            prefix,
            keys.Count(visit, range),
            isList,
            wanted,
            inValues,
            from.Length > 0));
    }

    /// <summary>The separator for an address; null for the default.</summary>
    public static byte[]? SeparatorOf(byte[] separator) => separator is [(byte)'/'] ? null : separator;

    private ReadableModel Readable(Visit visit) => new([
        .. visit.Visitor.ReadableRanges.Select(range =>
        {
            byte[] start = range.Start.ToArray();
            bool isPrefix = !range.IsSingleKey && (range.IsOpenEnded ? start.Length == 0 : range.End.Span.SequenceEqual(Ranges.End(start)));
            return new ReadableRange(
                start,
                range.IsSingleKey || isPrefix ? null : range.IsOpenEnded ? [] : range.End.ToArray(),
                range.IsSingleKey,
                range.IsSingleKey ? visit.Link("/key", ("key", start))
                    : isPrefix ? visit.Link("/keys", ("prefix", start))
                    : visit.Link("/keys", ("start", KeyText.Of(start)), ("end", range.IsOpenEnded ? null : range.End.ToArray())),
                keys.Count(visit, range));
        }),
    ]);
}

/// <summary>A level of the tree without the frame, inserted when an entry is unfolded.</summary>
internal sealed class LevelFragment(KeySource keys) : IPage
{
    private const int Deepest = 30;

    private readonly LevelReader _levels = new(keys);

    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] prefix = visit.Bytes("prefix") ?? [];
        byte[] separator = KeyText.Parse(visit.Text("sep") ?? "/");
        (List<KeyRow> rows, byte[]? next) = await _levels.LevelAsync(visit, prefix, separator, visit.Bytes("from") ?? []);
        string? more = next is null
            ? null
            : visit.Link("/keys", ("prefix", prefix), ("sep", KeysPage.SeparatorOf(separator)), ("from", next));
        int depth = (int)Math.Min(visit.Number("depth") ?? 1, Deepest);
        return new FragmentAnswer(typeof(RowsView), new KeyRows(rows, prefix, separator, depth, more));
    }
}

/// <summary>The model of the keys page.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Prefix">The common prefix.</param>
/// <param name="Count">The number of keys in all; -1 if not counted.</param>
/// <param name="IsList">Whether the page is a list instead of a tree.</param>
/// <param name="Wanted">The text searched for.</param>
/// <param name="InValues">Whether values were searched too.</param>
/// <param name="IsContinued">Whether this is not the first page.</param>
public sealed record KeysModel(KeyRows Rows, byte[] Prefix, long Count, bool IsList, byte[]? Wanted, bool InValues, bool IsContinued);

/// <summary>The ranges that the user may read, shown in place of a range that is not permitted.</summary>
public sealed record ReadableModel(IReadOnlyList<ReadableRange> Ranges);

/// <summary>A range of keys.</summary>
/// <param name="Start">The key, prefix, or start of the range.</param>
/// <param name="End">The exclusive end, empty for the end of the store; null for a key or a prefix.</param>
/// <param name="IsKey">Whether the range is a single key.</param>
/// <param name="Address">The address of the page that shows the range.</param>
/// <param name="Count">The number of keys; -1 if not counted.</param>
public sealed record ReadableRange(byte[] Start, byte[]? End, bool IsKey, string Address, long Count);
