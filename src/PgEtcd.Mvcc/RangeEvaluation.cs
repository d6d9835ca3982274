using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;

namespace PgEtcd.Mvcc;

/// <summary>Answers a Range from one version of the keys (semantics.md §2). The revision of the request is ignored.</summary>
internal static class RangeEvaluation
{
    public static RangeResult Evaluate(KeyView keys, RangeOperation range, long headerRevision)
    {
        // A single key, by far the most common range: one search, where positions would take three.
        if (range.Range.IsSingleKey)
        {
            return One(keys.Find(range.Range.Start.Span), range, headerRevision);
        }

        (int start, int end) = keys.Positions(range.Range);
        int count = end - start;
        if (range.CountOnly)
        {
            return new RangeResult(headerRevision, [], count, More: false, range.KeysOnly);
        }

        // From here on: a limit of 0 is no limit, and any other is below the count, so nothing overflows.
        bool limited = range.Limit > 0 && range.Limit < count;
        int limit = limited ? (int)range.Limit : 0;
        bool byKey = range.SortTarget == SortTarget.Key;
        if (byKey && !range.HasFilter)
        {
            int wanted = limited ? limit : count;
            bool backwards = range.SortOrder == SortOrder.Descend;
            KeyRecord[] slice = keys.Slice(backwards ? end - wanted : start, wanted);
            if (backwards)
            {
                Array.Reverse(slice);
            }

            return new RangeResult(headerRevision, slice, count, limited, range.KeysOnly);
        }

        // etcd's quirk: with a sort target but no sort order, only the first limit + 1 records in key order are sorted.
        bool sortsOnlyFirst = limited && range.SortOrder == SortOrder.None && !range.HasFilter;
        KeyRecord[] records = keys.Slice(start, sortsOnlyFirst ? limit + 1 : count);
        int kept = range.HasFilter ? Filter(records, range) : records.Length;
        Sort(records.AsSpan(0, kept), range);
        bool more = limited && kept > limit;
        Array.Resize(ref records, more ? limit : kept);
        return new RangeResult(headerRevision, records, count, more, range.KeysOnly);
    }

    private static RangeResult One(KeyRecord? found, RangeOperation range, long headerRevision)
    {
        KeyRecord[] records = found is null || range.CountOnly || !Passes(found, range) ? [] : [found];
        return new RangeResult(headerRevision, records, found is null ? 0 : 1, More: false, range.KeysOnly);
    }

    private static int Filter(KeyRecord[] records, RangeOperation range)
    {
        int kept = 0;
        foreach (KeyRecord record in records)
        {
            if (Passes(record, range))
            {
                records[kept++] = record;
            }
        }

        return kept;
    }

    private static bool Passes(KeyRecord record, RangeOperation range) =>
        (range.MaxModRevision == 0 || record.ModRevision <= range.MaxModRevision)
            && (range.MinModRevision == 0 || record.ModRevision >= range.MinModRevision)
            && (range.MaxCreateRevision == 0 || record.CreateRevision <= range.MaxCreateRevision)
            && (range.MinCreateRevision == 0 || record.CreateRevision >= range.MinCreateRevision);

    private static void Sort(Span<KeyRecord> records, RangeOperation range)
    {
        if (range.SortTarget == SortTarget.Key)
        {
            if (range.SortOrder == SortOrder.Descend)
            {
                records.Reverse();
            }

            return;
        }

        Comparison<KeyRecord> byTarget = range.SortTarget switch
        {
            SortTarget.Version => static (a, b) => a.Version.CompareTo(b.Version),
            SortTarget.Create => static (a, b) => a.CreateRevision.CompareTo(b.CreateRevision),
            SortTarget.Mod => static (a, b) => a.ModRevision.CompareTo(b.ModRevision),
            SortTarget.Value => static (a, b) => a.Value.SequenceCompareTo(b.Value),
            _ => static (_, _) => 0,
        };
        int direction = range.SortOrder == SortOrder.Descend ? -1 : 1;
        // Equal records stay in key order, in both directions.
        records.Sort((a, b) => byTarget(a, b) is var order && order != 0 ? direction * Math.Sign(order) : a.Key.SequenceCompareTo(b.Key));
    }
}
