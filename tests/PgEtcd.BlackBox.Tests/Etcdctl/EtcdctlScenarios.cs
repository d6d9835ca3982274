using System.Globalization;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>What a user of etcdctl does with keys, by name.</summary>
internal static class EtcdctlScenarios
{
    private static readonly EtcdctlCommand[] SomeKeys =
    [
        "put a 1", "put b 2", "put dir/x 9", "put dir/y 8", "put dir/z 7", "put b 3", "put z last", "put dir/x 5",
    ];

    public static IReadOnlyDictionary<string, EtcdctlCommand[]> All { get; } = new Dictionary<string, EtcdctlCommand[]>
    {
        ["put"] =
        [
            "put k v1", "put k v2 --prev-kv", "get k -w json", "put k --ignore-value", "get k -w fields", "put absent --ignore-value",
            "put k v3 --ignore-lease", "put absent v --ignore-lease", "put k v --lease=1234", "put k v -w json --prev-kv",
            new("put stdin", "a value with spaces\nand lines"), "get stdin", "put '' v", "put k v -w fields",
        ],
        ["get of single keys and ranges"] =
        [
            .. SomeKeys, "get a", "get absent", "get absent -w json", "get dir/ --prefix", "get '' --prefix", "get b --from-key", "get '' --from-key",
            "get a dir/y", "get b a", "get dir/ --prefix --keys-only", "get dir/ --prefix --print-value-only", "get a --print-value-only",
            "get a --hex", "get a --consistency=s", "get ''",
        ],
        ["get, limited and sorted"] =
        [
            .. SomeKeys, "get '' --prefix --limit=3", "get '' --prefix --limit=3 -w json", "get '' --prefix --limit=100 -w fields",
            .. from target in (string[])["KEY", "VERSION", "CREATE", "MODIFY", "VALUE"]
               from direction in (string[])["ASCEND", "DESCEND"]
               select (EtcdctlCommand)$"get --prefix dir/ --sort-by={target} --order={direction}",
            "get '' --prefix --sort-by=MODIFY --order=DESCEND --limit=2 -w json", "get '' --prefix --sort-by=nonsense", "get '' --prefix --order=nonsense",
        ],
        ["get of the past"] =
        [
            .. SomeKeys, .. Enumerable.Range(1, 12).Select(revision => (EtcdctlCommand)string.Create(CultureInfo.InvariantCulture, $"get '' --prefix --rev={revision} -w json")),
            "get b --rev=3", "get b --rev=-1",
        ],
        ["get in every format"] =
        [
            .. SomeKeys, "get dir/ --prefix -w simple", "get dir/ --prefix -w json", "get dir/ --prefix -w fields", "get dir/ --prefix -w table",
            "get dir/ --prefix --keys-only -w json", "get dir/ --prefix -w json --hex",
        ],
        ["del"] =
        [
            .. SomeKeys, "del absent", "del absent -w json", "del a --prev-kv", "del dir/x dir/z --prev-kv -w json", "del dir/ --prefix -w fields", "get '' --prefix",
            "del b --from-key --prev-kv", "get '' --prefix -w json", "put a again", "get a -w json", "del '' --prefix", "del ''",
        ],
        ["txn"] =
        [
            .. SomeKeys,
            new("txn", "value(\"a\") = \"1\"\n\nput a changed\nget a\nget dir/ --prefix\n\nput a unchanged\n\n"),
            new("txn", "value(\"a\") = \"1\"\n\nput a again\n\nput failed yes\nget failed\ndel b\n\n"),
            new("txn -w json", "mod(\"b\") > \"0\"\n\nput b back\n\nget b\ndel dir/ --prefix\n\n"),
            new("txn -w fields", "create(\"new\") = \"0\"\nversion(\"new\") = \"0\"\n\nput new 1\nget new\n\n\n"),
            new("txn", "version(\"new\") > \"0\"\nversion(\"new\") < \"2\"\nvalue(\"new\") != \"2\"\n\ndel new --prev-kv\n\n\n"),
            new("txn", "\nput twice 1\nput twice 2\n\n\n"),
            new("txn", "\n\n\n"),
            new("txn", "value(\"a\") = \n\nput a 1\n\n\n"),
            "get '' --prefix -w json",
        ],
        ["compaction"] =
        [
            .. SomeKeys, "compaction 4", "get b --rev=3", "get b --rev=4", "compaction 4", "compaction 100", "compaction --physical 7", "get '' --prefix --rev=6",
            "get '' --prefix --rev=7 -w json", "get '' --prefix -w json", "compaction 9", "get '' --prefix --rev=9 -w json", "compaction",
        ],
        ["watch from a compacted revision"] =
        [
            .. SomeKeys, "compaction 5", "watch a --rev=3", "watch '' --prefix --rev=1 -w json", "watch",
        ],
        ["leases"] =
        [
            "lease list", "lease grant 60", "put a 1 --lease={lease}", "put b 2 --lease={lease}", "lease timetolive {lease}",
            "lease timetolive {lease} --keys", "lease timetolive {lease} -w json --keys", "lease list", "lease list -w json",
            "lease keep-alive --once {lease}", "lease keep-alive --once {lease} -w json", "put b 3", "get a -w json", "lease revoke {lease}",
            "get '' --prefix", "lease timetolive {lease}", "lease timetolive {lease} -w json", "lease revoke {lease}", "lease keep-alive --once {lease}",
            "lease keep-alive {lease}", "put c 4 --lease={lease}", "lease grant 9000000001", "lease grant", "lease grant 1", "lease timetolive zzz",
        ],
        ["users and roles"] =
        [
            "auth enable", "user add root:r", "user add root:r", "user add joe:j", "user add ann --no-password", "user list", "user get joe", "user get nobody",
            "role add reader", "role add reader", "role grant-permission reader read a", "role grant-permission reader readwrite dir/ --prefix=true",
            "role grant-permission reader write m z", "role grant-permission reader read k --from-key=true",
            "role grant-permission nothing read a", "role get reader", "role get nothing", "role list", "role revoke-permission reader m z",
            "role revoke-permission reader m z", "role revoke-permission reader k --from-key=true", "role get reader", "user grant-role joe reader",
            "user grant-role joe reader", "user grant-role joe nothing", "user get joe", "user get joe --detail", "user grant-role root root", "auth enable",
            "put a 1", "get a", "--user=root:r put a 1", "--user=root:r put dir/x 2", "--user=joe:j get a", "--user=joe:j put a 2", "--user=joe:j put dir/y 3",
            "--user=joe:j get dir/ --prefix", "--user=joe:j get '' --prefix", "--user=joe:wrong get a", "--user=nobody:x get a",
            "--user=joe:j del dir/x", "--user=joe:j user list", "--user=joe:j user get joe", "--user=joe:j role get reader", "--user=joe:j user add x:x",
            "--user=joe:j auth disable", "--user=root:r user list", "--user=root:r user revoke-role joe reader", "--user=root:r user revoke-role joe reader",
            "--user=joe:j get a", "--user=root:r user grant-role joe root", "--user=joe:j get a", "--user=joe:j user delete ann", "--user=joe:j user delete root",
            "--user=root:r role delete reader", "--user=root:r role delete root", "--user=root:r user delete joe", "--user=joe:j get a",
            "--user=root:r user revoke-role root root", "--user=root:r user get root -w json", "--user=root:r lease list",
            "--user=root:r compaction 2", "--user=root:r auth disable", "get a", "user list", "auth disable",
        ],
        ["binary keys and values"] =
        [
            "put ä ö", "put 日本 語", "get 日 --prefix", "get ä -w json", "get ä --hex", "del 日本",
        ],
    };
}
