namespace PgEtcd.Console.Texts;

/// <summary>The keys whose values are never shown (--console-mask).</summary>
/// <param name="patterns">Keys, in which <c>*</c> stands for any bytes.</param>
internal sealed class Masks(IEnumerable<string> patterns)
{
    private readonly byte[][][] _patterns = [.. patterns.Select(pattern => pattern.Split('*').Select(KeyText.Parse).ToArray())];

    /// <summary>Whether any values are hidden.</summary>
    public bool Any => _patterns.Length > 0;

    /// <summary>Whether the value of a key is hidden.</summary>
    public bool Hide(ReadOnlySpan<byte> key)
    {
        foreach (byte[][] pattern in _patterns)
        {
            if (Matches(key, pattern))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(ReadOnlySpan<byte> key, byte[][] parts)
    {
        if (parts.Length == 1)
        {
            return key.SequenceEqual(parts[0]);
        }

        if (!key.StartsWith(parts[0]))
        {
            return false;
        }

        key = key[parts[0].Length..];
        foreach (byte[] part in parts[1..^1])
        {
            int at = key.IndexOf(part);
            if (at < 0)
            {
                return false;
            }

            key = key[(at + part.Length)..];
        }

        return key.EndsWith(parts[^1]);
    }
}
