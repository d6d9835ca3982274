using PgEtcd.Frontend.Snapshots;

namespace PgEtcd.Server.Commands;

/// <summary><c>pgetcd export FILE</c>: the store as an etcd snapshot, without a server.</summary>
internal static class ExportVerb
{
    public static readonly Verb Verb = new("export", "FILE", "Write an etcd snapshot, as etcdctl snapshot save does.", RunAsync);

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Options, SchemaUse.Migrate, cancellationToken);
        await using SnapshotSource source = await SnapshotSource.OpenAsync(opened.Database, cancellationToken);
        string part = arguments.Argument + ".part";
        bool isWhole = false;
        try
        {
            // As etcdctl does it: nobody else may read it, and it has its name when it is whole.
            await using (FileStream file = new(part, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                BufferSize = 0,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                await ProgressDisplay.ForTerminal().StepAsync("exporting", source.Length, async report =>
                {
                    long written = 0;
                    byte[] hash = await source.WriteAsync(
                        async piece =>
                        {
                            await file.WriteAsync(piece, cancellationToken);
                            report(written += piece.Length);
                        },
                        cancellationToken);
                    await file.WriteAsync(hash, cancellationToken);
                    return written;
                });
                file.Flush(flushToDisk: true);
            }

            File.Move(part, arguments.Argument, overwrite: true);
            isWhole = true;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new CommandException($"{arguments.Argument} cannot be written: {exception.Message.TrimEnd('.')}.");
        }
        finally
        {
            if (!isWhole && File.Exists(part))
            {
                File.Delete(part);
            }
        }

        await System.Console.Out.WriteLineAsync(
            $"Exported schema '{arguments.Options.Schema}' to {arguments.Argument}: revision {source.Revision}, {source.Rows} changes, {source.Leases} leases, {source.Length} bytes.");
        return 0;
    }
}
