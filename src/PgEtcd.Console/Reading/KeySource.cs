using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Reading;

/// <summary>Reads keys at the moment of a visit: the present from memory, the past from SQL. Every read first checks that the visitor may
/// read the range.</summary>
internal sealed class KeySource(KeyReader reader, PastBrowser past, ChangeBrowser changes)
{
    /// <summary>The most bytes of a value in a list.</summary>
    public const int Preview = 160;

    /// <summary>The present keys, for comparison with the past.</summary>
    public KeyTree Present => reader.Current.Keys;

    /// <summary>A level of the tree.</summary>
    public async Task<Page<LevelEntry>> LevelAsync(Visit visit, byte[] prefix, byte[] separator, byte[] from, int most)
    {
        visit.Demand(Ranges.Prefix(prefix));
        return visit.Moment.At is { } at
            ? await past.LevelAsync(at, prefix, separator, from, most, visit.Gone)
            : Page.Of(PresentKeys.Level(Present, prefix, separator, from, most + 1), most, entry => entry.Entry, _ => false);
    }

    /// <summary>A level of the tree at present.</summary>
    public List<LevelEntry> LevelNow(Visit visit, byte[] prefix, byte[] separator, byte[] from, int most)
    {
        visit.Demand(Ranges.Prefix(prefix));
        return PresentKeys.Level(Present, prefix, separator, from, most);
    }

    /// <summary>The keys of a range from a first key on.</summary>
    public async Task<Page<SeenKey>> ListAsync(Visit visit, KeyRange range, byte[] from, int most)
    {
        visit.Demand(range);
        byte[] start = from.AsSpan().SequenceCompareTo(range.Start.Span) > 0 ? from : range.Start.ToArray();
        byte[]? end = EndOf(range);
        return visit.Moment.At is { } at
            ? await past.ListAsync(at, start, end, most, Preview, visit.Gone)
            : Page.Of(PresentKeys.List(Present, start, end, most + 1, Preview), most, key => key.Key, _ => false);
    }

    /// <summary>The keys with a prefix that contain a text. Masked values are not searched.</summary>
    public async Task<Page<SeenKey>> SearchAsync(Visit visit, byte[] prefix, byte[] wanted, bool inValues, byte[] from, int most)
    {
        visit.Demand(Ranges.Prefix(prefix));
        if (visit.Moment.At is not { } at)
        {
            List<SeenKey> present = PresentKeys.Search(
                Present, from.AsSpan().SequenceCompareTo(prefix) > 0 ? from : prefix, Ranges.End(prefix), wanted,
                inValues ? record => !visit.Masks.Hide(record.Key) : null, most + 1, Preview, visit.Gone);
            return Page.Of(present, most, key => key.Key, _ => false);
        }

        Page<SeenKey> found = await past.SearchAsync(at, prefix, wanted, inValues, from, most, Preview, visit.Gone);
        found.Rows.RemoveAll(key => key.Key.AsSpan().IndexOf(wanted) < 0 && visit.Masks.Hide(key.Key));
        return found;
    }

    /// <summary>A key with its whole value; null if there is none.</summary>
    public async Task<SeenKey?> KeyAsync(Visit visit, byte[] key)
    {
        visit.Demand(Ranges.One(key));
        return visit.Moment.At is { } at ? await past.KeyAsync(at, key, visit.Gone) : PresentKeys.Find(Present, key, int.MaxValue);
    }

    /// <summary>The given keys with the beginnings of their values.</summary>
    public async Task<List<SeenKey>> PickAsync(Visit visit, byte[][] wanted)
    {
        foreach (byte[] key in wanted)
        {
            visit.Demand(Ranges.One(key));
        }

        return visit.Moment.At is { } at
            ? await past.PickAsync(at, wanted, Preview, visit.Gone)
            : [.. wanted.Select(key => PresentKeys.Find(Present, key, Preview)).OfType<SeenKey>()];
    }

    /// <summary>A key at a revision, with its whole value; null if there is none.</summary>
    public async Task<SeenKey?> KeyAsync(Visit visit, byte[] key, long revision)
    {
        visit.Demand(Ranges.One(key));
        return await past.KeyAsync(revision, key, visit.Gone);
    }

    /// <summary>The number of keys in a range; -1 in the past, where they would have to be counted one by one.</summary>
    public long Count(Visit visit, KeyRange range) => visit.Moment.IsPast ? -1 : Present.CountRange(range);

    /// <summary>The times of the shown versions of keys, with their authors if the visitor may read the audit.</summary>
    public async Task<Dictionary<long, SeenOrigin>> OriginsAsync(Visit visit, IEnumerable<SeenKey> keys)
    {
        long[] revisions = [.. keys.Select(key => key.ModRevision).Distinct()];
        if (revisions.Length == 0)
        {
            return [];
        }

        List<SeenOrigin> origins = await changes.OriginsAsync(
            revisions, visit.Moment.Revision < visit.Moment.Marks.CompactRevision, visit.Gone);
        return origins.ToDictionary(
            origin => origin.Revision,
            origin => visit.Visitor.IsRoot ? origin : origin with { Username = null, Client = null, Request = null });
    }

    private static byte[]? EndOf(KeyRange range) =>
        range.IsSingleKey ? Ranges.After(range.Start.Span) : range.IsOpenEnded ? null : range.End.ToArray();
}
