using System.IO.Compression;

namespace PgEtcd.Mvcc.Tests.Vectors;

/// <summary>The transcripts of real etcd from PgEtcd.Testing, embedded here too, as this project does not reference it.</summary>
internal static class TranscriptFile
{
    /// <summary>The lines of a file, named as etcd's recording was: "kv-1.jsonl".</summary>
    public static IEnumerable<string> Lines(string name)
    {
        Stream packed = typeof(TranscriptFile).Assembly.GetManifestResourceStream($"{name}.gz")
            ?? throw new FileNotFoundException("No such transcript.", name);
        using StreamReader reader = new(new GZipStream(packed, CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
