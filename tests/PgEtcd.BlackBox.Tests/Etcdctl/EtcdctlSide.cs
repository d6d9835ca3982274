using System.Globalization;
using System.Text.RegularExpressions;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Processes;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>One of the two servers that run the same commands, with its own ids and files.</summary>
/// <remarks>A line may contain <c>{lease}</c>, the lease granted last; <c>{member}</c>; <c>{server}</c>, the address; <c>{dir}</c>, a
/// directory of this side; and <c>{3}</c>, the revision that an empty store would have after two writes.</remarks>
internal sealed partial class EtcdctlSide(IEtcdServer server) : IAsyncDisposable
{
    private readonly TempDirectory _directory = new("etcdctl");
    private ulong _member;
    private long _first;
    private string? _lease;

    public IEtcdServer Server { get; } = server;

    public Kv Kv { get; } = new(server);

    /// <summary>Removes leases, users and roles.</summary>
    /// <returns>The revision.</returns>
    public async Task<long> ClearAsync()
    {
        _member = (await Kv.SendAsync(Kv.Range("none"))).Header.MemberId;
        _lease = null;
        foreach (long lease in await Kv.Channel.LeasesAsync())
        {
            await Kv.Channel.RevokeAsync(lease);
        }

        foreach (string user in (await AskAsync<AuthUserListRequest, AuthUserListResponse>("UserList", new())).Users)
        {
            await AskAsync<AuthUserDeleteRequest, AuthUserDeleteResponse>("UserDelete", new() { Name = user });
        }

        foreach (string role in (await AskAsync<AuthRoleListRequest, AuthRoleListResponse>("RoleList", new())).Roles)
        {
            await AskAsync<AuthRoleDeleteRequest, AuthRoleDeleteResponse>("RoleDelete", new() { Role = role });
        }

        return await Kv.PutAsync("padding");
    }

    /// <summary>Resets the store, so that what follows is as in an empty store except for the revisions.</summary>
    /// <param name="revision">The lowest revision to start from.</param>
    public async Task BeginAsync(long revision)
    {
        while (await Kv.RevisionAsync() < revision)
        {
            await Kv.PutAsync("padding");
        }

        await Kv.CompactAsync(await Kv.DeleteAsync(Kv.End, Kv.End));
        await Kv.PutAsync("padding");
        _first = await Kv.DeleteAsync("padding");
    }

    /// <summary>Runs one command.</summary>
    /// <returns>The output without parts that must differ.</returns>
    public async Task<string> RunAsync(EtcdctlCommand command)
    {
        string printed = await EtcdctlScript.RunAsync(Server, command with { Line = Filled(command.Line) });
        Match granted = Granted().Match(printed);
        _lease = granted.Groups["hex"].Success ? granted.Groups["hex"].Value
            : granted.Groups["id"].Success ? long.Parse(granted.Groups["id"].Value, CultureInfo.InvariantCulture).ToString(
                "x16", CultureInfo.InvariantCulture)
            : _lease;
        return Common(printed);
    }

    /// <summary>Starts a command that runs until it is interrupted.</summary>
    public ChildProcess Start(string line) => EtcdctlScript.Start(Server, Filled(line));

    /// <summary>A line with the values of this side.</summary>
    public string Filled(string line) => Revision().Replace(
        Named().Aggregate(line, static (text, named) => text.Replace(named.Name, named.Value, StringComparison.Ordinal)),
        match => (_first - 1 + int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture));

    /// <summary>An output of this side without parts that must differ.</summary>
    public string Common(string printed)
    {
        foreach ((string name, string value) in Named().Where(named => named.Value.Length > 0))
        {
            printed = printed.Replace(value, name, StringComparison.Ordinal);
        }

        if (_lease is not null)
        {
            printed = printed.Replace(Decimal(_lease), "{lease}", StringComparison.Ordinal);
        }

        printed = Varying().Replace(
            printed.Replace(_member.ToString(CultureInfo.InvariantCulture), "{member}", StringComparison.Ordinal), "$1*");
        printed = Status().Replace(printed, "$1*, *, $2*, *, *, ");
        // The width of a table depends on its longest cell.
        printed = TableRow().Replace(printed, static row => Padding().Replace(row.Value, static match => match.Value[..1]));
        return Took().Replace(StatusRow().Replace(printed, "$1 * | * $2 * | * | * |"), "$1*");
    }

    public async ValueTask DisposeAsync()
    {
        await Kv.DisposeAsync();
        _directory.Dispose();
    }

    private static string Decimal(string hex) =>
        long.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);

    private (string Name, string Value)[] Named() =>
    [
        ("{lease}", _lease ?? ""), ("{member}", _member.ToString("x", CultureInfo.InvariantCulture)),
        ("{server}", Server.ClientUrl.Authority), ("{dir}", _directory.Path),
    ];

    private Task<TResponse> AskAsync<TRequest, TResponse>(string rpc, TRequest request)
        where TRequest : class, Google.Protobuf.IMessage<TRequest>
        where TResponse : class, Google.Protobuf.IMessage<TResponse>, new() =>
        Kv.Channel.UnaryAsync<TRequest, TResponse>($"etcdserverpb.Auth/{rpc}", request);

    [GeneratedRegex(@"\{(\d+)\}")]
    private static partial Regex Revision();

    /// <summary>Each server chooses an id of its own.</summary>
    [GeneratedRegex("""^lease (?<hex>[0-9a-f]{16}) granted|"ID":(?<id>\d+),"TTL":|"ID" : (?<id>\d+)\n"TTL" : """, RegexOptions.Multiline)]
    private static partial Regex Granted();

    /// <summary>Member, revisions and sizes in the formats json and fields, and the remaining time of a lease, which may differ by a
    /// second.</summary>
    [GeneratedRegex(
        """("(?:cluster_id|member_id|raft_term|raftTerm|raftIndex|raftAppliedIndex|dbSize|dbSizeInUse|ttl)":"""
        + """|"(?:ClusterID|MemberID|RaftTerm|RaftIndex|RaftAppliedIndex|DBSize|DBSizeInUse|TTL)" : |remaining\()\d+"""
        + """|("version":|"Version" : )"[^"]*"|http://localhost:\d+|http://127\.0\.0\.1:\d+""")]
    private static partial Regex Varying();

    /// <summary>In any unit; the µs of etcdctl's table is two characters.</summary>
    [GeneratedRegex("""(took = |"took":|"Took" : |\| (?:true|false) \| )("[^"]*"|[0-9][^\s|]+)""")]
    private static partial Regex Took();

    /// <summary>The line of endpoint status: version, size, raft term and indexes differ.</summary>
    [GeneratedRegex(@"^(\S+, [^,]+, )[^,]+, [^,]+, ((?:true|false), (?:true|false), )\d+, \d+, \d+, ", RegexOptions.Multiline)]
    private static partial Regex Status();

    /// <summary>The same in a table.</summary>
    [GeneratedRegex(
        @"^(\| \S+ \| \S+ \|) [^|]+ \| [^|]+ (\| (?:true|false) \| (?:true|false) \|) \d+ \| \d+ \| \d+ \|", RegexOptions.Multiline)]
    private static partial Regex StatusRow();

    [GeneratedRegex(@"^[+|].*[+|]$", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex("-{2,}| {2,}")]
    private static partial Regex Padding();
}
