using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Pages.Keys;

/// <summary>The keys: a tree, a list, or what a search found.</summary>
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

    /// <summary>The separator for an address; null for the usual one.</summary>
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

/// <summary>A level by itself, which the tree unfolds in place.</summary>
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

/// <summary>What the page of keys shows.</summary>
/// <param name="Rows">The lines.</param>
/// <param name="Prefix">What all begin with.</param>
/// <param name="Count">Keys in all; -1: not counted.</param>
/// <param name="IsList">Keys without a tree.</param>
/// <param name="Wanted">What was searched for.</param>
/// <param name="InValues">Also in values.</param>
/// <param name="IsContinued">There were lines before these.</param>
public sealed record KeysModel(KeyRows Rows, byte[] Prefix, long Count, bool IsList, byte[]? Wanted, bool InValues, bool IsContinued);

/// <summary>The ranges that the user may read, when those that were asked for are refused.</summary>
public sealed record ReadableModel(IReadOnlyList<ReadableRange> Ranges);

/// <summary>A range of keys.</summary>
/// <param name="Start">The key, prefix, or first key.</param>
/// <param name="End">The key behind the last, empty: to the end of the store; null for a key or a prefix.</param>
/// <param name="IsKey">It is one key.</param>
/// <param name="Address">Where it is shown.</param>
/// <param name="Count">Keys in it; -1: not counted.</param>
public sealed record ReadableRange(byte[] Start, byte[]? End, bool IsKey, string Address, long Count);
