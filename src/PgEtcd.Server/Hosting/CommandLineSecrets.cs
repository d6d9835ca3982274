using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Hosting;

/// <summary>Removes the database's address, which may hold a password, from the command line that <c>ps</c> shows. It is visible for a
/// moment; PGETCD_DATABASE, a configuration file and a password file never are.</summary>
internal static class CommandLineSecrets
{
    private const int ArgumentsStart = 48; // fields of /proc/self/stat, counted from 1 (proc(5))
    private const int ArgumentsEnd = 49;
    private const byte Cover = (byte)'*';

    /// <summary>Overwrites the arguments where the system keeps them. If they cannot be found, nothing happens.</summary>
    public static void Hide()
    {
        string stat;
        try
        {
            stat = File.ReadAllText("/proc/self/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return;
        }

        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // after the name, which may hold blanks; the first is field 3
        long start = long.Parse(fields[ArgumentsStart - 3], CultureInfo.InvariantCulture);
        long end = long.Parse(fields[ArgumentsEnd - 3], CultureInfo.InvariantCulture);
        if (start == 0 || end <= start)
        {
            return;
        }

        byte[] arguments = new byte[end - start];
        Marshal.Copy((nint)start, arguments, 0, arguments.Length);
        if (CoverSecrets(arguments))
        {
            Marshal.Copy(arguments, 0, (nint)start, arguments.Length);
        }
    }

    /// <summary>Overwrites the values of --database in null-terminated arguments.</summary>
    /// <returns>Whether there were any.</returns>
    internal static bool CoverSecrets(Span<byte> arguments)
    {
        byte[] name = Encoding.ASCII.GetBytes(Flags.Database.Name);
        bool any = false;
        bool isValue = false;
        while (!arguments.IsEmpty)
        {
            int length = arguments.IndexOf((byte)0) is >= 0 and int zero ? zero : arguments.Length;
            Span<byte> argument = arguments[..length];
            ReadOnlySpan<byte> bare = argument.TrimStart((byte)'-');
            if (isValue)
            {
                argument.Fill(Cover);
                any = true;
            }
            else if (bare.Length < length && bare.Length > name.Length && bare.StartsWith(name) && bare[name.Length] == (byte)'=')
            {
                argument[(length - bare.Length + name.Length + 1)..].Fill(Cover);
                any = true;
            }

            isValue = !isValue && bare.Length < length && bare.SequenceEqual(name);
            arguments = arguments[Math.Min(length + 1, arguments.Length)..];
        }

        return any;
    }
}
