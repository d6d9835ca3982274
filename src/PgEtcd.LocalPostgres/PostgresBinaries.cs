using System.Globalization;

namespace PgEtcd.LocalPostgres;

/// <summary>PostgreSQL's server programs.</summary>
/// <param name="Directory">The directory of postgres and initdb.</param>
/// <param name="Major">The major version, e.g. 15.</param>
internal sealed record PostgresBinaries(string Directory, int Major)
{
    /// <summary>The variable that names the directory and ends the search.</summary>
    public const string Variable = "PGETCD_POSTGRES_BIN";

    /// <summary>The oldest version that the SQL supports.</summary>
    private const int OldestMajor = 14;

    public string Postgres => Path.Combine(Directory, "postgres");

    public string InitDb => Path.Combine(Directory, "initdb");

    /// <summary>Looks in the directory that <see cref="Variable"/> names, else in PATH and in the usual places, newest first.</summary>
    /// <param name="requiredMajor">The version of an existing cluster, or null.</param>
    /// <param name="variable">Reads environment variables.</param>
    /// <param name="usualPlaces">Directories such as /usr/lib/postgresql/15/bin; null for the usual ones.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="LocalPostgresException">No suitable programs were found.</exception>
    public static async Task<PostgresBinaries> FindAsync(
        int? requiredMajor, Func<string, string?> variable, IEnumerable<string>? usualPlaces, CancellationToken cancellationToken)
    {
        string? named = variable(Variable);
        List<string> places = string.IsNullOrEmpty(named)
            ? [.. InPath(variable("PATH")), .. usualPlaces ?? UsualPlaces()]
            : new List<string> { named };
        foreach (string? place in places.Distinct())
        {
            if (await AtAsync(place, cancellationToken) is { } found
                && found.Major >= OldestMajor && (requiredMajor ?? found.Major) == found.Major)
            {
                return found;
            }
        }

        string what = requiredMajor is null
            ? $"PostgreSQL {OldestMajor} or newer"
            : $"PostgreSQL {requiredMajor}, which made the data directory,";
        string package = requiredMajor is null ? "postgresql" : $"postgresql-{requiredMajor}";
        throw new LocalPostgresException(string.IsNullOrEmpty(named)
            ? $"The server programs of {what} were not found: install them (on Debian: apt-get install {package}), "
                + $"name their directory in {Variable}, or give --database."
            : $"{Variable} is {named}, but the server programs of {what} are not there.");
    }

    /// <summary>True if these programs know the value of a setting: some depend on the version, or on the libraries they were built with.
    /// </summary>
    public async Task<bool> AcceptsAsync(string setting, string value, CancellationToken cancellationToken)
    {
        // -C comes first, as root may run the program only then. It prints the setting and needs no cluster.
        Command tried = await Command.RunAsync(
            [Postgres, "-C", setting, "-c", $"{setting}={value}", "-c", "config_file=/dev/null", "-D", "/"], cancellationToken);
        return tried.ExitCode == 0;
    }

    private static async Task<PostgresBinaries?> AtAsync(string directory, CancellationToken cancellationToken)
    {
        PostgresBinaries found = new(directory, 0);
        if (!File.Exists(found.Postgres) || !File.Exists(found.InitDb))
        {
            return null;
        }

        // "postgres (PostgreSQL) 15.18 (Debian …)", or "16beta1" before a release.
        Command version = await Command.RunAsync([found.Postgres, "--version"], cancellationToken);
        string number = version.Output.Split(' ').ElementAtOrDefault(2) ?? "";
        string digits = string.Concat(number.TakeWhile(char.IsAsciiDigit));
        return version.ExitCode == 0 && int.TryParse(digits, CultureInfo.InvariantCulture, out int major)
            ? found with { Major = major }
            : null;
    }

    /// <summary>A link in PATH is followed: initdb looks for the other programs beside the real file.</summary>
    private static IEnumerable<string> InPath(string? path) =>
        from directory in (path ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        let program = Path.Combine(directory, "postgres")
        where File.Exists(program)
        select Path.GetDirectoryName(File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program);

    private static IEnumerable<string> UsualPlaces() =>
        Versions("/usr/lib/postgresql", "").Concat(Versions("/usr", "pgsql-")).Append("/usr/local/pgsql/bin");

    private static IEnumerable<string> Versions(string parent, string prefix) =>
        from directory in System.IO.Directory.Exists(parent) ? System.IO.Directory.EnumerateDirectories(parent, prefix + "*") : []
        let version = Path.GetFileName(directory)[prefix.Length..]
        where int.TryParse(version, CultureInfo.InvariantCulture, out _)
        orderby int.Parse(version, CultureInfo.InvariantCulture) descending
        select Path.Combine(directory, "bin");
}
