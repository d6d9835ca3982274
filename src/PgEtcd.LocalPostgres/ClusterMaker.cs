namespace PgEtcd.LocalPostgres;

/// <summary>Creates the cluster at the first start.</summary>
internal static class ClusterMaker
{
    /// <summary>
    /// Runs initdb in a directory beside the final one and moves the result there in one step: an existing cluster is a complete
    /// one, and one that a crash left unfinished is deleted and made anew.
    /// </summary>
    /// <exception cref="LocalPostgresException">initdb failed; the message ends with its last lines.</exception>
    public static async Task MakeAsync(
        DataDirectory directory, PostgresBinaries binaries, PostgresUser user, CancellationToken cancellationToken)
    {
        string unfinished = directory.NewUnfinishedCluster();
        try
        {
            foreach (string leftover in directory.UnfinishedClusters)
            {
                try
                {
                    Directory.Delete(leftover, recursive: true);
                }
                catch (IOException)
                {
                    // Its initdb still writes there. The directory only takes up space until a later start.
                }
            }

            await DemandAsync(directory, user.MakeDirectoryAsync(unfinished, cancellationToken));
            await DemandAsync(directory, Command.RunAsync(
                user.As(
                    binaries.InitDb, "--pgdata", unfinished, "--username", "postgres", "--encoding", "UTF8", "--locale", "C",
                    "--auth-local", "trust", "--auth-host", "reject", "--no-instructions"), cancellationToken));
            await File.AppendAllTextAsync(
                Path.Combine(unfinished, "postgresql.conf"),
                "\n# Written by pgetcd at each start. Change settings with ALTER SYSTEM, which comes after it.\n"
                + "include = '../pgetcd.conf'\n",
                cancellationToken);
            Directory.Move(unfinished, directory.Cluster);
            await DemandAsync(directory, Command.RunAsync(["sync", directory.Path], cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(directory, e.Message);
        }
    }

    private static async Task DemandAsync(DataDirectory directory, Task<Command> command)
    {
        Command done = await command;
        if (done.ExitCode != 0)
        {
            throw Failed(directory, Command.Tail(done.Output));
        }
    }

    private static LocalPostgresException Failed(DataDirectory directory, string why) =>
        new($"A PostgreSQL cluster could not be made in --data-dir {directory.Path}: {why.TrimEnd('.')}.");
}
