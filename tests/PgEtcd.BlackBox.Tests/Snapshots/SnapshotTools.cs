using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Snapshots;

/// <summary>An operator's commands for snapshots.</summary>
internal static partial class SnapshotTools
{
    /// <summary>pgetcd's environment.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
    };

    /// <summary>etcdctl snapshot save.</summary>
    public static async Task<string> SaveAsync(IEtcdServer server, string path)
    {
        await EtcdctlAsync("--endpoints", server.ClientUrl.Authority, "snapshot", "save", path);
        return path;
    }

    /// <summary>etcdctl snapshot status: checks every page of the file.</summary>
    public static async Task<(long Revision, long TotalKey, long TotalSize)> StatusAsync(string path)
    {
        JsonElement status = JsonDocument.Parse(await EtcdctlAsync("snapshot", "status", path, "-w", "json")).RootElement;
        return (
            status.GetProperty("revision").GetInt64(), status.GetProperty("totalKey").GetInt64(),
            status.GetProperty("totalSize").GetInt64());
    }

    /// <summary>Runs pgetcd with these arguments to its end.</summary>
    public static Task<CommandResult> PgEtcdAsync(params string[] arguments) =>
        Command.RunAsync(PgEtcdServer.Program, arguments, environment: Environment);

    /// <summary>Runs pgetcd import, which must succeed.</summary>
    /// <returns>The HashKV that it prints.</returns>
    public static async Task<uint> ImportAsync(string path, string database, string schema = "pgetcd", params string[] more)
    {
        CommandResult result = await PgEtcdAsync(["import", path, "--database", database, "--schema", schema, .. more]);
        result.ExitCode.ShouldBe(0, result.Error);
        return uint.Parse(Hash().Match(result.Output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Runs pgetcd export, which must succeed.</summary>
    public static async Task<string> ExportAsync(string database, string path, string schema = "pgetcd")
    {
        CommandResult result = await PgEtcdAsync("export", path, "--database", database, "--schema", schema);
        result.ExitCode.ShouldBe(0, result.Error);
        return path;
    }

    /// <summary>The present HashKV of a server.</summary>
    public static async Task<uint> HashAsync(IEtcdServer server)
    {
        await using GrpcChannel channel = new(server.ClientUrl);
        return (await channel.UnaryAsync<HashKVRequest, HashKVResponse>("etcdserverpb.Maintenance/HashKV", new HashKVRequest())).Hash;
    }

    /// <summary>All that a client can read of a store: the keys at each revision from the mark on, and the leases with their
    /// keys.</summary>
    public static async Task<List<string>> ReadAsync(IEtcdServer server, long fromRevision)
    {
        await using Kv kv = new(server);
        List<string> found = [];
        for (long revision = fromRevision, head = await kv.RevisionAsync(); revision <= head; revision++)
        {
            RangeResponse range = await kv.SendAsync(Kv.Range(Kv.End, revision, Kv.End));
            found.AddRange(range.Kvs.Select(one => $"at {revision}: {one}"));
            found.Add($"at {revision}: {range.Count}, {range.Header.Revision}");
        }

        LeaseLeasesResponse leases = await kv.Channel.UnaryAsync<LeaseLeasesRequest, LeaseLeasesResponse>(
            "etcdserverpb.Lease/LeaseLeases", new());
        foreach (long id in leases.Leases.Select(lease => lease.ID).Order())
        {
            LeaseTimeToLiveResponse lease = await kv.Channel.UnaryAsync<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(
                "etcdserverpb.Lease/LeaseTimeToLive", new() { ID = id, Keys = true });
            lease.TTL.ShouldBeInRange(lease.GrantedTTL - 60, lease.GrantedTTL);
            found.Add($"lease {id}: {lease.GrantedTTL}, {string.Join(' ', lease.Keys.Select(key => key.ToStringUtf8()).Order())}");
        }

        return found;
    }

    private static async Task<string> EtcdctlAsync(params string[] arguments)
    {
        CommandResult result = await Command.RunAsync(EtcdctlScript.Program, arguments, environment: EtcdctlScript.Version3);
        result.ExitCode.ShouldBe(0, $"etcdctl {string.Join(' ', arguments)}: {result.Output}{result.Error}");
        return result.Output;
    }

    [GeneratedRegex(@"HashKV of the database is that of the file: (\d+)\.")]
    private static partial Regex Hash();
}
