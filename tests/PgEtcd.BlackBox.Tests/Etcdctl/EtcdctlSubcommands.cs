using PgEtcd.BlackBox.Tests.Maintenance;
using PgEtcd.Protocol.Etcdserverpb;
using static PgEtcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>Every subcommand of etcdctl with its runs. All output is compared with real etcd's, unless a comment gives a
/// reason.</summary>
internal static class EtcdctlSubcommands
{
    private static readonly EtcdctlCommand[] SomeKeys =
    [
        "put a 1", "put b 2", "put dir/x 9", "put dir/y 8", "put dir/z 7", "put b 3", "put z last", "put dir/x 5",
    ];

    private static readonly EtcdctlCommand[] Joe =
    [
        "user add joe:j", "role add reader", "role grant-permission reader read a",
        "role grant-permission reader readwrite dir/ --prefix=true",
    ];

    /// <summary>By the name in etcdctl's help.</summary>
    public static IReadOnlyDictionary<string, Func<EtcdctlPair, Task>> All { get; } = new Dictionary<string, Func<EtcdctlPair, Task>>
    {
        ["put"] = Same(
            "put k v1", "put k v2 --prev-kv", "get k -w json", "put k --ignore-value", "get k -w fields", "put absent --ignore-value",
            "put k v3 --ignore-lease", "put absent v --ignore-lease", "put k v --lease=1234", "put k v -w json --prev-kv",
            new("put stdin", "a value with spaces\nand lines"), "get stdin", "put '' v", "put k v -w fields", "put k v -w table",
            "put", "put --nonsense", "put ä ö", "put 日本 語", "get 日 --prefix", "get ä -w json", "get ä --hex", "del 日本"),
        ["get"] = Same(
        [
            .. SomeKeys, "get a", "get absent", "get absent -w json", "get dir/ --prefix", "get '' --prefix", "get b --from-key",
            "get '' --from-key",
            "get a dir/y", "get b a", "get dir/ --prefix --keys-only", "get dir/ --prefix --print-value-only", "get a --print-value-only",
            "get a --hex", "get a --consistency=s", "get a --consistency=x", "get ''", "get", "get a --prefix --from-key",
            "get '' --prefix --limit=3", "get '' --prefix --limit=3 -w json", "get '' --prefix --limit=100 -w fields",
            .. from target in (string[])["KEY", "VERSION", "CREATE", "MODIFY", "VALUE"]
               select (EtcdctlCommand)$"get --prefix dir/ --sort-by={target} --order=DESCEND",
            "get dir/ --prefix --sort-by=VALUE", "get '' --prefix --sort-by=MODIFY --order=DESCEND --limit=2 -w json",
            "get '' --prefix --sort-by=nonsense", "get '' --prefix --order=nonsense",
            .. from revision in (int[])[0, 1, 5, 8, 10] select (EtcdctlCommand)$"get '' --prefix --rev={{{revision}}} -w json",
            "get b --rev={3}", "get b --rev=-1", "get dir/ --prefix -w simple", "get dir/ --prefix -w fields", "get dir/ --prefix -w table",
            "get dir/ --prefix --keys-only -w json", "get dir/ --prefix -w json --hex", "get a -w nonsense",
            "get a --command-timeout=nonsense",
        ]),
        ["del"] = Same(
        [
            .. SomeKeys, "del absent", "del absent -w json", "del a --prev-kv", "del dir/x dir/z --prev-kv -w json",
            "del dir/ --prefix -w fields", "get '' --prefix",
            "del b --from-key --prev-kv", "get '' --prefix -w json", "put a again", "get a -w json", "del '' --prefix", "del ''", "del",
            "del a -w table",
        ]),
        ["txn"] = Same(
        [
            .. SomeKeys,
            new("txn", "value(\"a\") = \"1\"\n\nput a changed\nget a\nget dir/ --prefix\n\nput a unchanged\n\n"),
            new("txn", "value(\"a\") = \"1\"\n\nput a again\n\nput failed yes\nget failed\ndel b\n\n"),
            new("txn -w json", "mod(\"b\") > \"0\"\n\nput b back\n\nget b\ndel dir/ --prefix\n\n"),
            new("txn -w fields", "create(\"new\") = \"0\"\nversion(\"new\") = \"0\"\n\nput new 1\nget new\n\n\n"),
            new("txn", "version(\"new\") > \"0\"\nversion(\"new\") < \"2\"\nvalue(\"new\") != \"2\"\n\ndel new --prev-kv\n\n\n"),
            new("txn --interactive", "mod(\"a\") > \"0\"\n\nget a\n\n\n"),
            new("txn", "\nput twice 1\nput twice 2\n\n\n"),
            new("txn", "\n\n\n"),
            new("txn", "value(\"a\") = \n\nput a 1\n\n\n"),
            "get '' --prefix -w json",
        ]),
        ["compaction"] = Same(
        [
            .. SomeKeys, "compaction {4}", "get b --rev={3}", "get b --rev={4}", "compaction {4}", "compaction {100}",
            "compaction --physical {7}", "get '' --prefix --rev={6}",
            "get '' --prefix --rev={7} -w json", "get '' --prefix -w json", "compaction {9}", "get '' --prefix --rev={9} -w json",
            "compaction", "compaction x",
        ]),
        ["watch"] = EtcdctlWatch.CompareAsync,
        ["version"] = Same("version", "version -w json"),
        ["help"] = Same("help", "help put", "help lease", "nonsense", "lease nonsense"),
        ["completion bash"] = Same("completion bash"),
        ["completion fish"] = Same("completion fish"),
        ["completion powershell"] = Same("completion powershell"),
        ["completion zsh"] = Same("completion zsh"),

        ["lease grant"] = Same(
            "lease grant 60", "lease grant 60 -w json", "lease timetolive {lease}", "lease grant 70 -w fields", "lease timetolive {lease}",
            "lease grant 9000000000", "lease grant 9000000001",
            "lease grant 0", "lease grant -- -1", "lease grant", "lease grant x", "lease grant 1"),
        ["lease list"] = Same(
            "lease list", "lease list -w json", "lease grant 60", "lease list", "lease list -w json", "lease list -w fields",
            "lease list -w table"),
        ["lease timetolive"] = Same(
            "lease grant 60", "put a 1 --lease={lease}", "put b 2 --lease={lease}", "lease timetolive {lease}", "put b 3",
            "lease timetolive {lease} -w json --keys",
            "lease timetolive {lease} -w fields --keys", "get a -w json", "lease timetolive {lease} --keys", "lease revoke {lease}",
            "lease timetolive {lease}",
            "lease timetolive {lease} -w json", "lease timetolive zzz", "lease timetolive"),
        ["lease revoke"] = Same(
            "lease grant 60", "put a 1 --lease={lease}", "put b 2 --lease={lease}", "put b 3", "lease revoke {lease}", "get '' --prefix",
            "lease revoke {lease}",
            "put c 4 --lease={lease}", "lease grant 60", "lease revoke {lease} -w json", "lease revoke zzz", "lease revoke"),
        ["lease keep-alive"] = async pair =>
        {
            await pair.SameAsync(
                "lease grant 60", "lease keep-alive --once {lease}", "lease keep-alive --once {lease} -w json",
                "lease keep-alive --once {lease} -w fields", "lease revoke {lease}",
                "lease keep-alive --once {lease}", "lease keep-alive {lease}", "lease keep-alive zzz");
            await Task.WhenAll(pair.Both.SelectMany(side => (Task[])[
                EtcdctlLease.KeepAliveThenExpireAsync(side.Server), EtcdctlLease.KeepAliveOfARevokedLeaseEndsAsync(side.Server)]));
        },
        ["lock"] = EtcdctlLock.LockAsync,
        ["elect"] = EtcdctlLock.ElectAsync,
        ["make-mirror"] = EtcdctlMirror.RunAsync,

        ["user add"] = Same(
            "user add joe:j", "user add joe:j", "user add ann --no-password",
            new("user add bob --interactive=false", "b\n"), "user add eve --new-user-password=e",
            "user add x:y -w json", "user add '' --no-password", "user add", "user list"),
        ["user list"] = Same(
            "user list", "user add joe:j", "user add ann --no-password", "user list", "user list -w json", "user list -w fields",
            "user list -w table"),
        ["user get"] = Same([
            .. Joe, "user get joe", "user get nobody", "user grant-role joe reader", "user get joe", "user get joe --detail",
            "user get joe -w json", "user get"]),
        ["user grant-role"] = Same([
            .. Joe, "user grant-role joe reader", "user grant-role joe reader", "user grant-role joe nothing",
            "user grant-role nobody reader", "user grant-role joe"]),
        ["user revoke-role"] = Same([
            .. Joe, "user grant-role joe reader", "user revoke-role joe reader", "user revoke-role joe reader",
            "user revoke-role nobody reader", "user get joe"]),
        ["user passwd"] = Same(
            "user add joe:j", new("user passwd joe --interactive=false", "new\n"),
            new("user passwd nobody --interactive=false", "new\n"), new("user passwd joe --interactive=false", "\n"), "user passwd"),
        ["user delete"] = Same(
            "user add joe:j", "user delete joe", "user delete joe", "user list", "user add ann:a", "user delete ann -w json",
            "user delete"),
        ["role add"] = Same("role add reader", "role add reader", "role add writer -w json", "role add", "role list"),
        ["role list"] = Same(
            "role list", "role add b", "role add a", "role list", "role list -w json", "role list -w fields", "role list -w table"),
        ["role get"] = Same([
            .. Joe, "role get reader", "role get nothing", "role get reader -w json", "role get reader -w fields", "role get root",
            "role get"]),
        ["role grant-permission"] = async pair =>
        {
            await pair.SameAsync(
            [
                .. Joe, "role grant-permission reader write m z", "role grant-permission reader read k --from-key=true",
                "role grant-permission reader readwrite a",
                "role grant-permission nothing read a", "role grant-permission reader nonsense a",
                "role grant-permission reader read '' --prefix=true",
                "role grant-permission reader", "role get reader",
            ]);
            // etcd 3.4 accepts a range that ends before it begins; etcd since 3.5 and PgEtcd do not.
            await pair.OursAsync("role grant-permission reader read z m", "exit code 1\nError: etcdserver: invalid auth management");
        },
        ["role revoke-permission"] = Same(
        [
            .. Joe, "role grant-permission reader write m z", "role grant-permission reader read k --from-key=true",
            "role revoke-permission reader m z", "role revoke-permission reader m z",
            "role revoke-permission reader k --from-key=true", "role revoke-permission reader dir/ --prefix=true",
            "role revoke-permission nothing a", "role revoke-permission reader", "role get reader",
        ]),
        ["role delete"] = Same(
            [.. Joe, "user grant-role joe reader", "role delete reader", "role delete reader", "user get joe", "role delete"]),
        ["auth enable"] = EtcdctlAuth.LiveAsync,
        ["auth disable"] = EtcdctlAuth.DisableAsync,

        ["alarm list"] = Alarmed("alarm list", "alarm list -w table", "put a 1", "endpoint health", "endpoint status"),
        ["alarm disarm"] = Alarmed("put a 1", "alarm disarm", "alarm disarm", "alarm list", "put a 1", "endpoint health"),
        ["endpoint health"] = Same(
            "endpoint health", "endpoint health --cluster", "endpoint health -w json", "endpoint health -w table",
            "endpoint health -w fields"),
        ["endpoint hashkv"] = Same(
        [
            "put a 1", "put b 2", "del a", "put b 3", "compaction {3}", "put c 4", "endpoint hashkv", "endpoint hashkv --rev={5}",
            "endpoint hashkv --rev={2}", "endpoint hashkv --rev={99}",
            "endpoint hashkv --cluster", "endpoint hashkv -w json", "endpoint hashkv -w fields", "endpoint hashkv -w table",
        ]),
        ["endpoint status"] = Same(
            "endpoint status", "endpoint status -w json", "endpoint status -w fields", "endpoint status -w table",
            "endpoint status --cluster"),
        ["defrag"] = Same("put a 1", "defrag", "defrag --cluster", "defrag -w json", "get a"),
        ["move-leader"] = Same("move-leader {member}", "move-leader 1234", "move-leader nonsense", "move-leader"),
        ["member list"] = Same("member list", "member list -w json", "member list -w fields", "member list -w table"),
        ["member add"] = async pair =>
        {
            await pair.SameAsync("member add x --peer-urls=nonsense", "member add x", "member add");
            // A frontend joins by running. A real etcd with one member, in contrast, would wait for the second from here on.
            await pair.OursAsync(
                "member add x --peer-urls=http://127.0.0.1:1",
                "exit code 1\nError: rpc error: code = FailedPrecondition desc = "
                + "pgetcd: a frontend joins by itself when it is started on the same database and schema");
        },
        ["member remove"] = async pair =>
        {
            await pair.SameAsync("member remove 1234", "member remove zzz", "member remove");
            // A real etcd refuses to remove its only member too, for lack of a quorum.
            await pair.OursAsync(
                "member remove {member}",
                "exit code 1\nError: rpc error: code = FailedPrecondition desc = "
                + "pgetcd: this frontend is running; stop it, and it leaves the list by itself");
        },
        ["member update"] = async pair =>
        {
            await pair.SameAsync("member update 1234 --peer-urls=http://127.0.0.1:1", "member update {member}", "member update");
            // Frontends have no peers; clients that ask see the peer URLs given at the start.
            await pair.OursAsync(
                "member update {member} --peer-urls=http://127.0.0.1:1",
                "exit code 1\nError: rpc error: code = FailedPrecondition desc = "
                + "pgetcd: a frontend's peer URLs are those it was started with (--initial-advertise-peer-urls)");
        },
        ["member promote"] = Same("member promote 1234", "member promote {member}", "member promote"),

        ["snapshot save"] = EtcdctlSnapshot.SaveAsync,
        ["snapshot status"] = EtcdctlSnapshot.StatusAsync,
        ["snapshot restore"] = EtcdctlSnapshot.RestoreAsync,
        // Both write for up to a minute and rate the machine; only refusals before the writes are compared.
        ["check perf"] = Same(
            "check perf --load=nonsense", "put /etcdctl-check-perf/a 1", "check perf", "check perf --prefix=/etcdctl-check-perf/ --load=s"),
        ["check datascale"] = Same("check datascale --load=nonsense", "put /etcdctl-check-datascale/a 1", "check datascale"),
        // It converts files of etcd 2 to etcd 3 without a server; only its error without files is compared.
        ["migrate"] = Same("migrate", "migrate --data-dir={dir}/none"),
    };

    private static Func<EtcdctlPair, Task> Same(params EtcdctlCommand[] commands) => pair => pair.SameAsync(commands);

    /// <summary>Runs the commands while NOSPACE is raised. Not with -w json and fields: etcd 3.4 answers without the header that 3.5 and
    /// PgEtcd send, on which fields panics.</summary>
    private static Func<EtcdctlPair, Task> Alarmed(params EtcdctlCommand[] commands) => async pair =>
    {
        await pair.SameAsync("alarm list", "alarm disarm");
        foreach (EtcdctlSide side in pair.Both)
        {
            await side.Kv.AlarmAsync(AlarmAction.Activate, AlarmType.Nospace, (await side.Kv.StatusAsync()).Header.MemberId);
        }

        try
        {
            await pair.SameAsync(commands);
        }
        finally
        {
            foreach (EtcdctlSide side in pair.Both)
            {
                await side.Kv.DisarmAsync();
            }
        }
    };
}
