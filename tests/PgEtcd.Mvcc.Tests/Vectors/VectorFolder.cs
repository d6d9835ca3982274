namespace PgEtcd.Mvcc.Tests.Vectors;

/// <summary>Finds the transcripts of real etcd: PGETCD_VECTORS, else ../shared/etcd/vectors beside a folder above the tests.</summary>
internal static class VectorFolder
{
    public const string Missing = "The transcripts of real etcd (../shared/etcd/vectors, or PGETCD_VECTORS) are not here.";

    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("PGETCD_VECTORS") is { Length: > 0 } named)
            return Directory.Exists(named) ? named : null;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", "etcd", "vectors");
            if (Directory.Exists(candidate))
                return candidate;
        }
        return null;
    }
}
