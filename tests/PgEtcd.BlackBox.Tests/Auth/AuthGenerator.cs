using System.Text.Json.Nodes;
using static PgEtcd.BlackBox.Tests.Auth.AuthClient;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Random requests of random users, and random changes of their permissions. Few names and keys, so that they collide.</summary>
internal sealed class AuthGenerator(Random random)
{
    private static readonly string[] Users = ["root", "joe", "ann", "bob", "new"];
    private static readonly string[] Roles = ["r1", "r2", "all", "root", "other"];
    private static readonly string[] Keys = ["a", "b", "c", "d", "dir/", "dir/x", "dir0", "\0", "z"];
    private static readonly string[] Ends = ["", "", "", "b", "c", "e", "dir0", "\0", "zz"];

    private readonly HashSet<(string Role, string Key, string End)> _granted = [];

    /// <summary>A request: its name, its content, and its user; null for none.</summary>
    public (string Rpc, JsonObject Request, string? User) Next()
    {
        string? user = random.Next(12) == 0 ? null : Pick(["joe", "joe", "ann", "ann", "bob", "root"]);
        (string rpc, JsonObject request) = random.Next(100) switch
        {
            < 18 => ("KV/Put", Put()),
            < 40 => ("KV/Range", Range()),
            < 52 => ("KV/DeleteRange", Delete()),
            < 68 => ("KV/Txn", Txn(random.Next(3))),
            < 73 => Management(),
            < 78 => Pick<(string, JsonObject)>(
            [
                ("Auth/UserGet", new() { ["name"] = Pick(Users) }),
                ("Auth/RoleGet", new() { ["role"] = Pick(Roles[..3]) }),
                ("Auth/UserList", []),
                ("Auth/RoleList", []),
            ]),
            _ => ("KV/Range", Range()),
        };
        return ($"etcdserverpb.{rpc}", request, rpc.StartsWith("Auth/", StringComparison.Ordinal) && random.Next(5) > 0 ? "root" : user);
    }

    /// <summary>The initial permissions and roles.</summary>
    public IEnumerable<(string Rpc, JsonObject Request)> Beginning()
    {
        foreach (string user in Users[..4])
        {
            yield return ("etcdserverpb.Auth/UserAdd", new() { ["name"] = user, ["password"] = user });
        }

        foreach (string role in Roles[..3])
        {
            yield return ("etcdserverpb.Auth/RoleAdd", new() { ["name"] = role });
        }

        yield return ("etcdserverpb.Auth/UserGrantRole", new() { ["user"] = "root", ["role"] = "root" });
        for (int i = 0; i < 6; i++)
        {
            (string rpc, JsonObject request) = Grant(Pick(Roles[..2]));
            yield return ($"etcdserverpb.{rpc}", request);
        }

        yield return ("etcdserverpb.Auth/UserGrantRole", new() { ["user"] = "joe", ["role"] = "r1" });
        yield return ("etcdserverpb.Auth/UserGrantRole", new() { ["user"] = "ann", ["role"] = "r2" });
        yield return ("etcdserverpb.Auth/AuthEnable", []);
    }

    private (string Rpc, JsonObject Request) Management() => random.Next(11) switch
    {
        0 or 1 => Grant(Pick(Roles[..3])),
        2 => ("Auth/RoleRevokePermission", With(new() { ["role"] = Pick(Roles[..3]) }, Interval())),
        3 => ("Auth/UserGrantRole", new() { ["user"] = Pick(Users), ["role"] = Pick(Roles) }),
        4 => ("Auth/UserRevokeRole", new() { ["name"] = Pick(Users), ["role"] = Pick(Roles) }),
        5 => ("Auth/RoleAdd", new() { ["name"] = Pick(["other", "r1", ""]) }),
        6 => ("Auth/RoleDelete", new() { ["role"] = Pick(["other", "nothing", "root"]) }),
        7 => ("Auth/UserAdd", new() { ["name"] = Pick(["new", "joe", ""]), ["password"] = "x" }),
        8 => ("Auth/UserDelete", new() { ["name"] = Pick(["new", "nobody", "root"]) }),
        9 => ("Auth/UserChangePassword", new() { ["name"] = Pick(["new", "nobody"]), ["password"] = "y" }),
        _ => ("Auth/AuthEnable", []),
    };

    /// <summary>An interval is granted again only while it is the only one with its key: among several, 3.4 finds only the first, and
    /// adds a duplicate of another where it should replace it (semantics.md §11).</summary>
    private (string Rpc, JsonObject Request) Grant(string role)
    {
        JsonObject interval = Interval();
        (string Role, string Key, string End) grant = (role, (string)interval["key"]!, (string)interval["range_end"]!);
        bool isNew = _granted.Add(grant);
        return isNew || _granted.Count(other => other.Role == grant.Role && other.Key == grant.Key) == 1
            ? (
                "Auth/RoleGrantPermission",
                new() { ["name"] = role, ["perm"] = With(new() { ["permType"] = Pick(["READ", "WRITE", "READWRITE"]) }, interval) })
            : ("Auth/RoleGet", new() { ["role"] = role });
    }

    private JsonObject Put()
    {
        JsonObject put = new() { ["key"] = Base64(Pick(Keys)), ["value"] = Base64("v") };
        return random.Next(4) == 0 ? With(put, new() { ["prev_kv"] = true }) : put;
    }

    private JsonObject Delete() => random.Next(3) == 0 ? With(Interval(), new() { ["prev_kv"] = true }) : Interval();

    private JsonObject Range() => random.Next(3) == 0 ? With(Interval(), new() { ["serializable"] = true }) : Interval();

    private JsonObject Txn(int depth)
    {
        JsonObject txn = [];
        if (random.Next(2) == 0)
        {
            txn["compare"] = new JsonArray(
                With(Interval(), new() { ["target"] = "VERSION", ["version"] = "0", ["result"] = Pick(["EQUAL", "GREATER"]) }));
        }

        foreach (string branch in (string[])["success", "failure"])
        {
            txn[branch] = new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(i => (JsonNode)new JsonObject(
            [
                random.Next(depth > 0 ? 4 : 3) switch
                {
                    // Each operation of a branch has a key of its own, so that none is refused as a duplicate.
                    0 => KeyValuePair.Create<string, JsonNode?>(
                        "request_put", new JsonObject { ["key"] = Base64(Keys[i]), ["value"] = Base64("t") }),
                    1 => KeyValuePair.Create<string, JsonNode?>("request_delete_range", new JsonObject { ["key"] = Base64(Keys[i + 4]) }),
                    2 => KeyValuePair.Create<string, JsonNode?>("request_range", Interval()),
                    _ => KeyValuePair.Create<string, JsonNode?>("request_txn", Txn(depth - 1)),
                },
            ]))]);
        }

        return txn;
    }

    /// <summary>Never reversed or empty: 3.4 checks such intervals differently and lets them be granted.</summary>
    private JsonObject Interval()
    {
        while (true)
        {
            string key = Pick(Keys);
            string end = Pick(Ends);
            if (end is "" or "\0" || string.CompareOrdinal(key, end) < 0)
            {
                return new() { ["key"] = Base64(key), ["range_end"] = Base64(end) };
            }
        }
    }

    private T Pick<T>(T[] choices) => choices[random.Next(choices.Length)];

    private static JsonObject With(JsonObject fields, JsonObject more)
    {
        foreach ((string name, JsonNode? value) in more)
        {
            fields[name] = value?.DeepClone();
        }

        return fields;
    }
}
