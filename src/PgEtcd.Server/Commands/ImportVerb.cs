using PgEtcd.Frontend.Snapshots;
using PgEtcd.Snapshots;

namespace PgEtcd.Server.Commands;

/// <summary><c>pgetcd import FILE</c>: an etcd snapshot into an empty schema.</summary>
internal static class ImportVerb
{
    private const string WithoutAuth = "--without-auth";

    public static readonly Verb Verb = new(
        "import", "FILE", "Read a snapshot of etcd 3.4 to 3.6 (or a stopped member's db file) into an empty schema.", RunAsync)
    {
        Switches = new Dictionary<string, string> { [WithoutAuth] = "Leave out users and roles, and whether authentication is on." },
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        using SnapshotFile file = SnapshotFile.Open(arguments.Argument);
        SnapshotAuth auth = arguments.Switches.Contains(WithoutAuth) ? SnapshotAuth.None : file.ReadAuth();
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Options, SchemaUse.Create, cancellationToken);
        ImportResult result = await new SnapshotImport(file, auth.IsUsed ? auth.ToRecords() : null, opened.Database, ProgressDisplay.ForTerminal()).RunAsync(cancellationToken);
        string compacted = result.CompactRevision < 0 ? "never compacted" : $"compacted at {result.CompactRevision}";
        string checksum = file.HasChecksum ? "" : " The file had no checksum, as a member's db file has none.";
        string users = auth.IsUsed ? $", {auth.Users.Count} users, {auth.Roles.Count} roles, authentication {(auth.IsEnabled ? "on" : "off")}" : "";
        await System.Console.Out.WriteLineAsync(
            $"Imported {arguments.Argument} into schema '{arguments.Options.Schema}': revision {result.Revision}, {compacted}, {result.Rows} changes, {result.Leases} leases{users}. HashKV of the database is that of the file: {result.Hash}.{checksum}");
        return 0;
    }
}
