namespace PgEtcd.LocalPostgres;

/// <summary>The settings of the private PostgreSQL. All others have PostgreSQL's defaults.</summary>
internal static class PostgresSettings
{
    /// <summary>Writes the file that postgresql.conf includes, atomically.</summary>
    public static async Task WriteAsync(DataDirectory directory, CancellationToken cancellationToken)
    {
        string fresh = directory.Settings + ".new";
        await File.WriteAllTextAsync(fresh, Text(directory.Socket), cancellationToken);
        // PostgreSQL's user reads it, whatever this process's umask is; it holds nothing secret.
        File.SetUnixFileMode(fresh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(fresh, directory.Settings, overwrite: true);
    }

    /// <param name="socketDirectory">Plain characters only, see <see cref="DataDirectory.Socket"/>.</param>
    private static string Text(string socketDirectory) => $"""
        # Written by pgetcd at each start: changes here are lost. Use ALTER SYSTEM.
        cluster_name = 'pgetcd'

        # Nobody but the owner of the socket's directory can connect.
        listen_addresses = ''
        unix_socket_directories = '{socketDirectory}'
        unix_socket_permissions = 0700
        port = 5432
        # A frontend uses a handful; several may share this server.
        max_connections = 100

        # An acknowledged write is on the disk.
        fsync = on
        synchronous_commit = on
        full_page_writes = on

        # Much is written, in order; little is read twice, since frontends hold the current state.
        shared_buffers = 256MB
        max_wal_size = 4GB
        min_wal_size = 512MB
        # Statements are short: compiling them costs more than it saves.
        jit = off

        log_checkpoints = off
        log_line_prefix = '%m [%p] '

        """;
}
