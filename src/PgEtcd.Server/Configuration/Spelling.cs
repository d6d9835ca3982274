namespace PgEtcd.Server.Configuration;

/// <summary>Finds the name that a misspelt one most likely stands for.</summary>
internal static class Spelling
{
    /// <summary>The known word with the smallest edit distance, if that is small for the word's length; else null. Case is
    /// ignored.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        (string Word, int Edits) best = known.Select(k => (Word: k, Edits: Edits(word, k))).MinBy(c => c.Edits);
        return best.Word is not null && best.Edits <= Math.Max(1, best.Word.Length / 4) ? best.Word : null;
    }

    private static int Edits(string a, string b)
    {
        int[] row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[^1];
    }
}
