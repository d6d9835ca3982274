namespace PgEtcd.Testing;

/// <summary>Paths in the checkout.</summary>
public static class Repository
{
    private static readonly Lazy<string> Found = new(Find);

    /// <summary>The directory that holds PgEtcd.sln.</summary>
    public static string Root => Found.Value;

    private static string Find()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "PgEtcd.sln")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException($"PgEtcd.sln is not above {AppContext.BaseDirectory}.");
    }
}
