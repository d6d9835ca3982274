using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>Builds a tree bottom-up from records in key order.</summary>
internal static class TreeBuilder
{
    public static Node? Build(IEnumerable<KeyRecord> records)
    {
        List<Node> level = Leaves(records);
        if (level.Count == 0)
        {
            return null;
        }

        // boundaries[i] separates node i from node i + 1.
        List<byte[]> boundaries =
            [.. level.Skip(1).Select((right, index) => Separators.Between((Leaf)level[index], (Leaf)right))];
        while (level.Count > 1)
        {
            (level, boundaries) = Raise(level, boundaries);
        }

        return level[0];
    }

    private static List<Node> Leaves(IEnumerable<KeyRecord> records)
    {
        List<Node> leaves = new();
        KeyRecord[] chunk = new KeyRecord[Node.Max];
        int filled = 0;
        KeyRecord? last = null;
        foreach (KeyRecord record in records)
        {
            if (last is not null && last.Key.SequenceCompareTo(record.Key) >= 0)
            {
                throw new ArgumentException("The records are not in strictly ascending order of their keys.", nameof(records));
            }

            last = record;
            chunk[filled++] = record;
            if (filled == Node.Max)
            {
                leaves.Add(new Leaf(null, chunk));
                filled = 0;
            }
        }

        if (filled >= Node.Min || (filled > 0 && leaves.Count == 0))
        {
            leaves.Add(new Leaf(null, chunk.AsSpan(0, filled)));
        }
        else if (filled > 0)
        {
            // Too few records for a leaf of their own: they share with the last full leaf.
            KeyRecord[] both = [.. ((Leaf)leaves[^1]).Records, .. chunk.AsSpan(0, filled)];
            leaves[^1] = new Leaf(null, both.AsSpan(0, both.Length / 2));
            leaves.Add(new Leaf(null, both.AsSpan(both.Length / 2)));
        }

        return leaves;
    }

    private static (List<Node> Level, List<byte[]> Boundaries) Raise(List<Node> level, List<byte[]> boundaries)
    {
        Node[] nodes = level.ToArray();
        byte[][] separators = boundaries.ToArray();
        int parts = (nodes.Length + Node.Max - 1) / Node.Max;
        List<Node> above = new(parts);
        List<byte[]> dividing = new(parts);
        for (int part = 0; part < parts; part++)
        {
            int start = (int)((long)nodes.Length * part / parts);
            int end = (int)((long)nodes.Length * (part + 1) / parts);
            above.Add(new Branch(null, nodes.AsSpan(start, end - start), new Separators(separators[start..(end - 1)])));
            if (end < nodes.Length)
            {
                dividing.Add(separators[end - 1]);
            }
        }

        return (above, dividing);
    }
}
