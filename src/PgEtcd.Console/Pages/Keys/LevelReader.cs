using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Keys;

/// <summary>Reads pages of rows.</summary>
internal sealed class LevelReader(KeySource keys)
{
    /// <summary>The most rows on a page.</summary>
    public const int Most = 200;

    /// <summary>A level of the tree; for a past moment, with the entries created since.</summary>
    public async Task<(List<KeyRow> Rows, byte[]? Next)> LevelAsync(Visit visit, byte[] prefix, byte[] separator, byte[] from)
    {
        (List<LevelEntry> level, byte[]? next) = await keys.LevelAsync(visit, prefix, separator, from, Most);
        List<KeyRow> rows = [.. level.Select(entry => Row(entry, SinceOf(visit, entry)))];
        if (visit.Moment.IsPast)
        {
            HashSet<string> known = [.. level.Select(entry => KeyText.Of(entry.Entry))];
            rows.AddRange(keys.LevelNow(visit, prefix, separator, from, Most)
                .Where(entry => IsBefore(entry, next) && !known.Contains(KeyText.Of(entry.Entry)))
                .Select(entry => Row(entry, Since.Created)));
            rows.Sort((left, right) => left.Entry.AsSpan().SequenceCompareTo(right.Entry));
        }

        return (await FillAsync(visit, rows), next);
    }

    /// <summary>The keys of a range.</summary>
    public async Task<(List<KeyRow> Rows, byte[]? Next)> ListAsync(Visit visit, KeyRange range, byte[] from) =>
        await PageAsync(visit, await keys.ListAsync(visit, range, from, Most));

    /// <summary>The keys that contain a text.</summary>
    public async Task<(List<KeyRow> Rows, byte[]? Next)> SearchAsync(
        Visit visit, byte[] prefix, byte[] wanted, bool inValues, byte[] from) =>
        await PageAsync(visit, await keys.SearchAsync(visit, prefix, wanted, inValues, from, Most));

    /// <summary>Whether an entry of the present belongs to this page, which ends before a key. That key may be below an entry.</summary>
    private static bool IsBefore(LevelEntry entry, byte[]? next) =>
        next is null
        || (entry.Entry.AsSpan().SequenceCompareTo(next) < 0 && (entry.IsKey || !next.AsSpan().StartsWith(entry.Entry)));

    private static KeyRow Row(LevelEntry entry, Since since) =>
        new(entry.Entry, null, entry.Keys, since, IsBranch: !entry.IsKey, IsExact: entry.IsExact);

    private async Task<(List<KeyRow> Rows, byte[]? Next)> PageAsync(Visit visit, Page<SeenKey> found)
    {
        Dictionary<long, SeenOrigin> origins = await keys.OriginsAsync(visit, found.Rows);
        return ([.. found.Rows.Select(key => Row(visit, key, origins))], found.Next);
    }

    /// <summary>Completes rows of keys with the versions shown.</summary>
    private async Task<List<KeyRow>> FillAsync(Visit visit, List<KeyRow> rows)
    {
        List<KeyRow> leaves = [.. rows.Where(row => !row.IsBranch && row.Since != Since.Created)];
        if (leaves.Count == 0)
        {
            return rows;
        }

        Dictionary<string, SeenKey> seen = [];
        foreach (SeenKey key in await keys.PickAsync(visit, [.. leaves.Select(leaf => leaf.Entry)]))
        {
            seen.TryAdd(KeyText.Of(key.Key), key);
        }

        Dictionary<long, SeenOrigin> origins = await keys.OriginsAsync(visit, seen.Values);
        return [.. rows.Select(
            row => !row.IsBranch && seen.TryGetValue(KeyText.Of(row.Entry), out SeenKey? key) ? Row(visit, key, origins) : row)];
    }

    private KeyRow Row(Visit visit, SeenKey key, Dictionary<long, SeenOrigin> origins)
    {
        bool isMasked = visit.Masks.Hide(key.Key);
        KeyRecord? now = visit.Moment.IsPast ? keys.Present.Find(key.Key) : null;
        Since since = !visit.Moment.IsPast ? Since.Same
            : now is null ? Since.Deleted
            : now.ModRevision == key.ModRevision ? Since.Same
            : Since.Changed;
        return new KeyRow(
            key.Key, isMasked ? key with { Value = [] } : key, 1, since, Origin: origins.GetValueOrDefault(key.ModRevision),
            IsMasked: isMasked);
    }

    private Since SinceOf(Visit visit, LevelEntry entry) =>
        visit.Moment.IsPast && !entry.IsKey && keys.Present.CountRange(Ranges.Prefix(entry.Entry)) == 0 ? Since.Deleted : Since.Same;
}
