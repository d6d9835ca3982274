namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>Users of etcdctl while auth is on.</summary>
internal static class EtcdctlAuth
{
    private const string AsRoot = "--user=root:r";

    private static readonly EtcdctlCommand[] Root = ["auth enable", "user add root:r", "auth enable", "user grant-role root root"];

    /// <summary>Users and their permissions.</summary>
    public static Task LiveAsync(EtcdctlPair pair) => WithRootAsync(
        pair,
        "user add joe:j", "user add ann --no-password", "role add reader", "role grant-permission reader read a",
        "role grant-permission reader readwrite dir/ --prefix=true",
        "user grant-role joe reader", "auth enable", "auth enable",
        "put a 1", "get a", "--user=root:r put a 1", "--user=root:r put dir/x 2", "--user=joe:j get a", "--user=joe:j put a 2",
        "--user=joe:j put dir/y 3",
        "--user=joe --password=j get a", "--user=joe:j get dir/ --prefix", "--user=joe:j get '' --prefix", "--user=joe:wrong get a",
        "--user=nobody:x get a",
        "--user=joe:j del dir/x", "--user=joe:j user list", "--user=joe:j user get joe", "--user=joe:j role get reader",
        "--user=joe:j user add x:x",
        "--user=joe:j auth disable", "--user=joe:j member list", "--user=joe:j snapshot save {dir}/denied", "endpoint health",
        "--user=root:r endpoint health", "--user=root:r endpoint status", "--user=joe:j endpoint status", "--user=root:r user list",
        "--user=root:r user revoke-role joe reader", "--user=root:r user revoke-role joe reader",
        "--user=joe:j get a", "--user=root:r user grant-role joe root", "--user=joe:j get a", "--user=joe:j user delete ann",
        "--user=joe:j user delete root",
        "--user=root:r role delete reader", "--user=root:r role delete root", "--user=root:r user delete joe", "--user=joe:j get a",
        "--user=root:r user revoke-role root root", "--user=root:r user get root -w json", "--user=root:r lease list",
        new("--user=root:r user passwd root --interactive=false", "r\n"), "--user=root:r compaction {2}");

    /// <summary>Disables auth again.</summary>
    public static Task DisableAsync(EtcdctlPair pair) => WithRootAsync(
        pair, "auth disable", "auth enable", "auth disable", "put a 1", "--user=root:wrong auth disable",
        "--user=root:r auth disable -w json", "put a 1", "--user=root:r auth disable", "user list");

    private static async Task WithRootAsync(EtcdctlPair pair, params EtcdctlCommand[] commands)
    {
        try
        {
            await pair.SameAsync([.. Root, .. commands]);
        }
        finally
        {
            await Task.WhenAll(pair.Both.Select(side => side.RunAsync($"{AsRoot} auth disable")));
        }

        await pair.SameAsync("get a", "user list", "auth disable");
    }
}
