using System.IO.Compression;
using PgEtcd.Testing.Rpc;

namespace PgEtcd.Testing.Vectors;

/// <summary>
/// A transcript of real etcd, one JSON object per line. The transcripts are embedded; <c>PGETCD_VECTORS</c> names a
/// directory with others (<c>*.jsonl</c>).
/// </summary>
public sealed class VectorFile
{
    private const string Suffix = ".jsonl.gz";

    private VectorFile(string name, IReadOnlyList<VectorLine> lines)
    {
        Name = name;
        Lines = lines;
    }

    /// <summary>For instance "kv-1".</summary>
    public string Name { get; }

    /// <summary>The lines in order.</summary>
    public IReadOnlyList<VectorLine> Lines { get; }

    private static string? Directory => Environment.GetEnvironmentVariable("PGETCD_VECTORS");

    /// <summary>The names of all files with this prefix.</summary>
    public static IReadOnlyList<string> Names(string prefix)
    {
        IEnumerable<string> names = Directory is { Length: > 0 } directory
            ? System.IO.Directory.EnumerateFiles(directory, "*.jsonl").Select(path => Path.GetFileNameWithoutExtension(path))
            : typeof(VectorFile).Assembly.GetManifestResourceNames()
                .Where(name => name.EndsWith(Suffix, StringComparison.Ordinal))
                .Select(name => name[..^Suffix.Length]);
        return [.. names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    /// <summary>Reads a file.</summary>
    public static VectorFile Read(string name)
    {
        using Stream stream = Open(name);
        using StreamReader reader = new(stream);
        List<VectorLine> lines = new();
        while (reader.ReadLine() is { } text)
        {
            lines.Add(new VectorLine(lines.Count + 1, BigBytes.Expand(Json.Parse(text))!.AsObject()));
        }

        return new VectorFile(name, lines);
    }

    private static Stream Open(string name)
    {
        if (Directory is { Length: > 0 } directory)
        {
            return File.OpenRead(Path.Combine(directory, name + ".jsonl"));
        }

        Stream packed = typeof(VectorFile).Assembly.GetManifestResourceStream(name + Suffix)
            ?? throw new FileNotFoundException($"There are no vectors {name}.");
        return new GZipStream(packed, CompressionMode.Decompress);
    }
}
