using System.Reflection;

namespace PgEtcd.Server.Configuration;

/// <summary>The flags: the only list of them, a file for each <see cref="FlagGroup"/>. Names and defaults are etcd's (flags.md),
/// except for PgEtcd's own few. CONTRIBUTING.md says what else a new flag needs.</summary>
internal static partial class Flags
{
    public static readonly Flag ConfigFile = new(FlagGroup.Member, "config-file", "", "path",
        "YAML or JSON file with flags. etcd's flags and ETCD_ variables are then ignored; PgEtcd's own still count.");

    /// <summary>All flags by group, as in the help; those without effect last. Gathered on first use, when every file's fields are
    /// set.</summary>
    public static IReadOnlyList<Flag> All => field ??=
    [
        .. typeof(Flags).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(info => info.FieldType == typeof(Flag))
            .Select(info => (Flag)info.GetValue(null)!)
            .OrderBy(flag => flag.Group),
        .. OtherIgnored,
    ];
}
