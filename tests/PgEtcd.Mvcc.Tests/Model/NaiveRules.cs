namespace PgEtcd.Mvcc.Tests.Model;

/// <summary>The parts of the model that need nothing but a list of rows in key order.</summary>
internal static class NaiveRules
{
    public static bool InRange(string candidate, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd)
    {
        string from = Text.Of(key);
        string end = Text.Of(rangeEnd);
        if (end.Length == 0)
        {
            return candidate == from;
        }

        bool reached = string.CompareOrdinal(candidate, from) >= 0;
        return reached && (end == "\0" || string.CompareOrdinal(candidate, end) < 0);
    }

    public static bool Holds(Compare compare, List<Row> state)
    {
        List<Row> rows = [.. state.Where(row => InRange(row.Key, compare.Key, compare.RangeEnd))];
        if (rows.Count == 0 && compare.Target == CompareTarget.Value)
        {
            return false;
        }

        return rows.Count == 0
            ? Holds(compare, new Row("", "", 0, 0, 0, 0, 0))
            : rows.All(row => Holds(compare, row));
    }

    public static string Range(RangeOperation range, List<Row> state)
    {
        List<Row> all = [.. state.Where(row => InRange(row.Key, range.Key, range.RangeEnd))];
        if (range.CountOnly)
        {
            return $"range {all.Count} False {List([], range.KeysOnly)}";
        }

        bool filtered = range.MinModRevision != 0 || range.MaxModRevision != 0 || range.MinCreateRevision != 0
            || range.MaxCreateRevision != 0;
        IEnumerable<Row> rows = all;
        if (range.SortOrder == SortOrder.None && !filtered && range.Limit > 0)
        {
            rows = rows.Where((_, index) => index <= range.Limit);
        }

        rows = rows.Where(row => (range.MaxModRevision == 0 || !(row.Mod > range.MaxModRevision))
            && (range.MinModRevision == 0 || !(row.Mod < range.MinModRevision))
            && (range.MaxCreateRevision == 0 || !(row.Create > range.MaxCreateRevision))
            && (range.MinCreateRevision == 0 || !(row.Create < range.MinCreateRevision)));
        rows = range.SortTarget switch
        {
            SortTarget.Version => Ordered(rows, row => row.Version, range.SortOrder),
            SortTarget.Create => Ordered(rows, row => row.Create, range.SortOrder),
            SortTarget.Mod => Ordered(rows, row => row.Mod, range.SortOrder),
            SortTarget.Value => Ordered(rows, row => row.Value!, range.SortOrder),
            _ => Ordered(rows, row => row.Key, range.SortOrder),
        };
        List<Row> sorted = [.. rows];
        bool more = range.Limit > 0 && sorted.Count > range.Limit;
        return $"range {all.Count} {more} {List(more ? sorted[..(int)range.Limit] : sorted, range.KeysOnly)}";
    }

    public static string List(List<Row> rows, bool keysOnly) => $"[{string.Join(", ", rows.Select(row => One(row, keysOnly)))}]";

    public static string One(Row row, bool keysOnly) =>
        $"{row.Key}={(keysOnly ? "" : row.Value)}/{row.Create}/{row.Mod}.{row.Sub}/{row.Version}/{row.Lease}";

    private static IEnumerable<Row> Ordered<T>(IEnumerable<Row> rows, Func<Row, T> by, SortOrder order)
    {
        IComparer<T> comparer = typeof(T) == typeof(string) ? (IComparer<T>)StringComparer.Ordinal : Comparer<T>.Default;
        return order == SortOrder.Descend ? rows.OrderByDescending(by, comparer) : rows.OrderBy(by, comparer);
    }

    private static bool Holds(Compare compare, Row row)
    {
        int order = compare.Target switch
        {
            CompareTarget.Version => row.Version.CompareTo(compare.Number),
            CompareTarget.Create => row.Create.CompareTo(compare.Number),
            CompareTarget.Mod => row.Mod.CompareTo(compare.Number),
            CompareTarget.Lease => row.Lease.CompareTo(compare.Number),
            CompareTarget.Value => string.CompareOrdinal(row.Value, Text.Of(compare.Value)),
            _ => 0,
        };
        return (int)compare.Result switch { 0 => order == 0, 1 => order > 0, 2 => order < 0, 3 => order != 0, _ => true };
    }
}
