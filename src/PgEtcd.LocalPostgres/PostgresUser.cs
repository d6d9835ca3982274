namespace PgEtcd.LocalPostgres;

/// <summary>The user that PostgreSQL's programs run as: this process's, or another one instead of root, which they refuse.</summary>
/// <param name="Ids">"uid:gid" of that user, or null for this process's.</param>
public sealed record PostgresUser(string? Ids)
{
    private const string Usual = "postgres";

    /// <summary>For root the owner of the existing cluster, or else the user postgres; for others the process's user.</summary>
    /// <exception cref="LocalPostgresException">The process runs as root and there is no other user to run PostgreSQL.</exception>
    public static async Task<PostgresUser> ChooseAsync(string clusterDirectory, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return new PostgresUser(Ids: null);
        }

        if (Directory.Exists(clusterDirectory))
        {
            Command owner = await Command.RunAsync(["stat", "-c", "%u:%g", clusterDirectory], cancellationToken);
            if (owner.ExitCode == 0 && !owner.Output.StartsWith("0:", StringComparison.Ordinal))
            {
                return new PostgresUser(owner.Output.Trim());
            }
        }

        Command uid = await Command.RunAsync(["id", "-u", Usual], cancellationToken);
        Command gid = await Command.RunAsync(["id", "-g", Usual], cancellationToken);
        return uid.ExitCode == 0 && gid.ExitCode == 0
            ? new PostgresUser($"{uid.Output.Trim()}:{gid.Output.Trim()}")
            : throw new LocalPostgresException(
                $"PostgreSQL does not run as root and there is no user {Usual} to run it as: create one, "
                + "start pgetcd as another user, or give --database.");
    }

    /// <summary>A command run as that user.</summary>
    public string[] As(params string[] words) => Ids?.Split(':') is [var uid, var gid]
        ? ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", .. words]
        : words;

    /// <summary>Creates a directory that only this user (and root) can read.</summary>
    public async Task<Command> MakeDirectoryAsync(string path, CancellationToken cancellationToken) =>
        await Command.RunAsync(Ids?.Split(':') is [var uid, var gid]
            ? ["install", "-d", "-m", "0700", "-o", uid, "-g", gid, "--", path]
            : ["install", "-d", "-m", "0700", "--", path], cancellationToken);

    /// <summary>Whether the user can reach the directory.</summary>
    public async Task<bool> CanReachAsync(string directory, CancellationToken cancellationToken) =>
        Ids is null || (await Command.RunAsync(As("test", "-x", directory), cancellationToken)).ExitCode == 0;
}
