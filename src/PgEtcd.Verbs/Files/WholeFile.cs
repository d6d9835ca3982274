using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary>A file that gets its name once it is complete, and that only its owner may read, like etcdctl's.</summary>
internal static class WholeFile
{
    /// <summary>Stands for stdout, or stdin.</summary>
    public const string Standard = "-";

    /// <summary>Writes the file.</summary>
    /// <param name="path">The path; <see cref="Standard"/>: stdout, piece by piece.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="CommandException">The file cannot be written.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        if (path == Standard)
        {
            await using Stream output = Console.OpenStandardOutput();
            await write(output);
            return;
        }

        string part = path + ".part";
        bool isWhole = false;
        try
        {
            await using (FileStream file = new(part, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                BufferSize = 0,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                await write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(part, path, overwrite: true);
            isWhole = true;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new CommandException($"{path} cannot be written: {exception.Message.TrimEnd('.')}.");
        }
        finally
        {
            if (!isWhole && File.Exists(part))
            {
                File.Delete(part);
            }
        }
    }
}
