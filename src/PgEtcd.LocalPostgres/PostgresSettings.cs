namespace PgEtcd.LocalPostgres;

/// <summary>The settings of the private PostgreSQL. All others have PostgreSQL's defaults.</summary>
internal static class PostgresSettings
{
    private const long Mebibyte = 1 << 20;

    /// <summary>Writes the file that postgresql.conf includes, atomically.</summary>
    /// <param name="directory">Where PostgreSQL keeps its data.</param>
    /// <param name="binaries">The programs that will read the file.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public static async Task WriteAsync(DataDirectory directory, PostgresBinaries binaries, CancellationToken cancellationToken)
    {
        string fresh = directory.Settings + ".new";
        string compression = await binaries.AcceptsAsync("wal_compression", "lz4", cancellationToken) ? "lz4" : "off";
        await File.WriteAllTextAsync(
            fresh, Text(directory.Socket, BufferMebibytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), compression), cancellationToken);
        // PostgreSQL's user reads it, whatever this process's umask is; it holds nothing secret.
        File.SetUnixFileMode(fresh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(fresh, directory.Settings, overwrite: true);
    }

    /// <summary>A sixteenth of the memory, as much as the index by key of some ten million revisions needs, but not less than a small
    /// machine can spare: only pages that are used take memory.</summary>
    /// <param name="memory">Of the machine or container, bytes.</param>
    internal static long BufferMebibytes(long memory) => Math.Clamp(memory / 16 / Mebibyte, 256, 1024);

    /// <param name="socketDirectory">Plain characters only, see <see cref="DataDirectory.Socket"/>.</param>
    /// <param name="bufferMebibytes">The size of PostgreSQL's cache.</param>
    /// <param name="compression">For whole pages in the WAL.</param>
    private static string Text(string socketDirectory, long bufferMebibytes, string compression) => $"""
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

        # Frontends hold the current state, so little is read. Puts of random keys go through the whole index by key, though: it should
        # fit into the cache, and each of its pages goes into the WAL once after each checkpoint (docs/decisions/0021).
        shared_buffers = {bufferMebibytes}MB
        wal_compression = {compression}
        checkpoint_timeout = 15min
        max_wal_size = 4GB
        min_wal_size = 512MB
        # Statements are short: compiling them costs more than it saves.
        jit = off

        log_checkpoints = off
        log_line_prefix = '%m [%p] '

        """;
}
