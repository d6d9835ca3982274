using PgEtcd.Console.Texts;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Reading;

/// <summary>Browses the present keys, in memory. A level costs in proportion to its entries, however many keys are below each, as the tree
/// knows the sizes of its parts.</summary>
internal static class PresentKeys
{
    /// <summary>A level of the tree, as <see cref="PastBrowser.LevelAsync"/> returns it.</summary>
    public static List<LevelEntry> Level(KeyTree keys, byte[] prefix, byte[] separator, byte[] from, int most)
    {
        List<LevelEntry> entries = [];
        byte[]? end = Ranges.End(prefix);
        byte[]? next = from.AsSpan().SequenceCompareTo(prefix) > 0 ? from : prefix;
        KeyRecord[] first = new KeyRecord[1];
        while (next is not null && entries.Count < most)
        {
            KeyRange rest = Ranges.Between(next, end);
            if (rest.IsEmpty || keys.CopyTo(rest, first) == 0)
            {
                break;
            }

            ReadOnlySpan<byte> key = first[0].Key;
            int place = separator.Length == 0 ? -1 : key[prefix.Length..].IndexOf(separator);
            if (place < 0)
            {
                entries.Add(new LevelEntry(key.ToArray(), IsKey: true, 1, IsExact: true));
                next = Ranges.After(key);
            }
            else
            {
                byte[] branch = key[..(prefix.Length + place + separator.Length)].ToArray();
                entries.Add(new LevelEntry(branch, IsKey: false, keys.CountRange(Ranges.Prefix(branch)), IsExact: true));
                next = Ranges.End(branch);
            }
        }

        return entries;
    }

    /// <summary>The keys from start to before end.</summary>
    public static List<SeenKey> List(KeyTree keys, byte[] start, byte[]? end, int most, int preview)
    {
        KeyRange range = Ranges.Between(start, end);
        KeyRecord[] records = new KeyRecord[most];
        int count = range.IsEmpty ? 0 : keys.CopyTo(range, records);
        return [.. records.Take(count).Select(record => Seen(record, preview))];
    }

    /// <summary>The keys of a range that contain a text.</summary>
    /// <param name="keys">The tree.</param>
    /// <param name="start">The start of the range.</param>
    /// <param name="end">The exclusive end; null: to the end of the store.</param>
    /// <param name="wanted">The text.</param>
    /// <param name="isSearched">Tells whether the value of a key is searched too; null: no value is.</param>
    /// <param name="most">The most keys to return.</param>
    /// <param name="preview">The most bytes of a value to return.</param>
    /// <param name="gone">Cancelled when the browser disconnects.</param>
    public static List<SeenKey> Search(
        KeyTree keys, byte[] start, byte[]? end, byte[] wanted, Func<KeyRecord, bool>? isSearched, int most, int preview,
        CancellationToken gone)
    {
        List<SeenKey> found = [];
        KeyRange range = Ranges.Between(start, end);
        if (range.IsEmpty)
        {
            return found;
        }

        foreach (KeyRecord record in keys.Scan(range))
        {
            if (record.Key.IndexOf(wanted) >= 0 || (isSearched is not null && record.Value.IndexOf(wanted) >= 0 && isSearched(record)))
            {
                gone.ThrowIfCancellationRequested();
                found.Add(Seen(record, preview));
                if (found.Count == most)
                {
                    break;
                }
            }
        }

        return found;
    }

    /// <summary>One key; null if there is none.</summary>
    public static SeenKey? Find(KeyTree keys, byte[] key, int preview) => keys.Find(key) is { } record ? Seen(record, preview) : null;

    private static SeenKey Seen(KeyRecord record, int preview)
    {
        ReadOnlySpan<byte> value = record.Value;
        return new SeenKey(
            record.Key.ToArray(), value[..Math.Min(value.Length, preview)].ToArray(), value.Length,
            record.CreateRevision, record.ModRevision, record.Version, record.Lease);
    }
}
