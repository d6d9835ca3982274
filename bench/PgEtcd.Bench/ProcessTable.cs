using System.Globalization;

namespace PgEtcd.Bench;

/// <summary>Reads /proc. A process that has ended counts as 0.</summary>
public static class ProcessTable
{
    private const double TicksPerSecond = 100; // USER_HZ, fixed on Linux for user space

    /// <summary>Reads a line such as "Pss: 123 kB".</summary>
    public static long Kilobytes(string file, string name)
    {
        string? line = Lines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    public static double CpuSeconds(int process)
    {
        string[] fields = Stat(process);
        return fields.Length < 13 ? 0 : (Ticks(fields[11]) + Ticks(fields[12])) / TicksPerSecond;

        static long Ticks(string field) => long.Parse(field, CultureInfo.InvariantCulture);
    }

    public static IEnumerable<int> Children(int parent)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out int process)
                && Stat(process) is { Length: > 1 } fields
                && fields[1] == parent.ToString(CultureInfo.InvariantCulture))
            {
                yield return process;
            }
        }
    }

    /// <summary>The fields after the name: state, parent …; utime and stime are 11 and 12.</summary>
    private static string[] Stat(int process)
    {
        string line = Lines($"/proc/{process}/stat").FirstOrDefault() ?? "";
        return line[(line.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
