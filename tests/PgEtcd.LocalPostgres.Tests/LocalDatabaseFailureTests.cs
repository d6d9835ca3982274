using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace PgEtcd.LocalPostgres.Tests;

public sealed class LocalDatabaseFailureTests : IDisposable
{
    private readonly string _parent = Path.Combine("/tmp", "pgetcd-test-" + Guid.NewGuid().ToString("N")[..12]);

    public LocalDatabaseFailureTests() => Directory.CreateDirectory(_parent);

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    [Fact]
    public async Task A_half_created_cluster_is_created_again()
    {
        string half = Path.Combine(_parent, "d", "data.new-1");
        Directory.CreateDirectory(half);
        await File.WriteAllTextAsync(Path.Combine(_parent, "d", "start.lock"), "");
        await File.WriteAllTextAsync(Path.Combine(half, "PG_VERSION"), "15");

        await using LocalDatabase database = await DataDirectoryFixture.StartAsync(Path.Combine(_parent, "d"));

        (await DataDirectoryFixture.QueryAsync(database, "SELECT 1")).ShouldBe(1);
        Directory.Exists(half).ShouldBeFalse();
    }

    [Fact]
    public async Task A_path_too_long_for_a_socket_gets_a_short_one()
    {
        string dataDir = Path.Combine(_parent, new string('x', 100), "it's");

        await using (LocalDatabase database = await DataDirectoryFixture.StartAsync(dataDir))
        {
            (await DataDirectoryFixture.QueryAsync(database, "SELECT 1")).ShouldBe(1);
        }

        Directory.Delete(new DataDirectory(dataDir).Socket, recursive: true);
    }

    [Theory]
    [InlineData("file", "is a file, not a directory.")]
    [InlineData("full", "already holds other files: choose a new or empty directory.")]
    [InlineData("file/below", "cannot be written:")]
    public async Task An_impossible_data_directory_is_named(string name, string said)
    {
        await File.WriteAllTextAsync(Path.Combine(_parent, "file"), "");
        Directory.CreateDirectory(Path.Combine(_parent, "full", "photos"));

        (await FailAsync(Path.Combine(_parent, name))).ShouldStartWith($"--data-dir {Path.Combine(_parent, name)} {said}");
    }

    [SkippableFact]
    public async Task A_chosen_directory_that_PostgreSQLs_user_cannot_reach_is_refused()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "Only root runs PostgreSQL as another user.");
        File.SetUnixFileMode(_parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        (await FailAsync(Path.Combine(_parent, "d"))).ShouldContain("cannot be reached by the user that PostgreSQL runs as");
        Directory.Exists(Path.Combine(_parent, "d")).ShouldBeFalse();
    }

    [SkippableFact]
    public async Task A_default_directory_moves_to_where_PostgreSQL_can_reach_it_and_stays_there()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "Only root runs PostgreSQL as another user.");
        File.SetUnixFileMode(_parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string wanted = Path.Combine(_parent, "default.pgetcd");
        string moved = new DataDirectory(wanted).Moved.Path;
        try
        {
            await using (LocalDatabase database = await LocalDatabase.StartAsync(wanted, mayMove: true, NullLogger.Instance, default))
            {
                database.DataDir.ShouldBe(moved);
            }

            File.SetUnixFileMode(_parent, (UnixFileMode)0b111_101_101);
            (DataDirectory? directory, PostgresUser _) = await new DataDirectory(wanted).PrepareAsync(true, default);
            directory.Path.ShouldBe(moved);
        }
        finally
        {
            Directory.Delete(moved, recursive: true);
        }
    }

    [Fact]
    public async Task Without_server_programs_the_error_names_the_package()
    {
        LocalPostgresException none = await Should.ThrowAsync<LocalPostgresException>(
            PostgresBinaries.FindAsync(null, _ => null, [], default));
        none.Message.ShouldBe(
            "The server programs of PostgreSQL 14 or newer were not found: install them (on Debian: apt-get install postgresql), "
            + "name their directory in PGETCD_POSTGRES_BIN, or give --database.");

        LocalPostgresException other = await Should.ThrowAsync<LocalPostgresException>(
            PostgresBinaries.FindAsync(99, _ => null, [], default));
        other.Message.ShouldContain("apt-get install postgresql-99");

        LocalPostgresException named = await Should.ThrowAsync<LocalPostgresException>(
            PostgresBinaries.FindAsync(null, v => v == PostgresBinaries.Variable ? "/nowhere" : "/usr/bin", null, default));
        named.Message.ShouldBe("PGETCD_POSTGRES_BIN is /nowhere, but the server programs of PostgreSQL 14 or newer are not there.");
    }

    [Fact]
    public async Task When_initdb_fails_its_last_output_is_reported_and_no_directory_looks_complete()
    {
        PostgresBinaries binaries = new(_parent, 15);
        await File.WriteAllTextAsync(binaries.InitDb, "#!/bin/sh\necho 'could not write: No space left on device' >&2\nexit 1\n");
        File.SetUnixFileMode(binaries.InitDb, (UnixFileMode)0b111_101_101);
        (DataDirectory? directory, PostgresUser? user) = await new DataDirectory(Path.Combine(_parent, "d")).PrepareAsync(false, default);

        LocalPostgresException error = await Should.ThrowAsync<LocalPostgresException>(
            ClusterMaker.MakeAsync(directory, binaries, user, default));

        error.Message.ShouldBe(
            $"A PostgreSQL cluster could not be made in --data-dir {directory.Path}: could not write: No space left on device.");
        Directory.Exists(directory.Cluster).ShouldBeFalse();
    }

    private static async Task<string> FailAsync(string dataDir) =>
        (await Should.ThrowAsync<LocalPostgresException>(DataDirectoryFixture.StartAsync(dataDir))).Message;
}
