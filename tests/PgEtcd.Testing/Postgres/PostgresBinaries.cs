using PgEtcd.Testing.Processes;

namespace PgEtcd.Testing.Postgres;

/// <summary>Debian's PostgreSQL server programs, and the user to run them as.</summary>
public static class PostgresBinaries
{
    private const string Root = "/usr/lib/postgresql";

    /// <summary>PostgreSQL refuses to run as root, so root runs it as this user of Debian's package.</summary>
    private const string UserName = "postgres";

    private static readonly Lazy<string> Newest = new(Find);

    /// <summary>The directory of the newest version; <c>TESTED_PG_BIN</c> names another.</summary>
    public static string Directory => Newest.Value;

    /// <summary>The command line that runs one of PostgreSQL's programs as a permitted user.</summary>
    public static (string Program, IReadOnlyList<string> Arguments) Line(string program, IEnumerable<string> arguments) =>
        User(Path.Combine(Directory, program), [.. arguments]);

    /// <summary>The command line that runs any program as that user.</summary>
    public static (string Program, IReadOnlyList<string> Arguments) User(string path, params string[] arguments) =>
        Environment.IsPrivilegedProcess
            ? ("/usr/bin/setpriv", [$"--reuid={UserName}", $"--regid={UserName}", "--init-groups", path, .. arguments])
            : (path, arguments);

    /// <summary>Gives a directory to the user of the programs.</summary>
    public static async Task OwnAsync(string directory)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await Command.CheckAsync("/bin/chown", $"{UserName}:{UserName}", directory).ConfigureAwait(false);
        }
    }

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("TESTED_PG_BIN") is { Length: > 0 } named)
        {
            return named;
        }

        IEnumerable<string> versions = System.IO.Directory.Exists(Root) ? System.IO.Directory.EnumerateDirectories(Root) : [];
        return versions
            .Where(version => File.Exists(Path.Combine(version, "bin", "postgres")))
            .OrderByDescending(version => int.TryParse(Path.GetFileName(version), out int number) ? number : 0)
            .Select(version => Path.Combine(version, "bin"))
            .FirstOrDefault()
            ?? throw new InvalidOperationException(
                $"There is no PostgreSQL server under {Root}; install Debian's package postgresql, "
                + "or name the directory of its programs in TESTED_PG_BIN.");
    }
}
