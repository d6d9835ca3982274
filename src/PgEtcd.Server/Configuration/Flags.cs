using System.Reflection;

namespace PgEtcd.Server.Configuration;

/// <summary>The flags: the only list of them, a file for each <see cref="FlagGroup"/>. Names and defaults are etcd's (flags.md),
/// except for our own few. A flag is added by adding its field, and nothing else.</summary>
internal static partial class Flags
{
    public static readonly Flag ConfigFile = new("config-file", "", "path",
        "YAML or JSON file with flags. etcd's flags and ETCD_ variables are then ignored; PgEtcd's own still count.")
    { Group = FlagGroup.Member };

    private static IReadOnlyList<Flag>? _all;

    /// <summary>All of them, as they stand in the files.</summary>
    public static IReadOnlyList<Flag> All => _all ??=
    [
        .. typeof(Flags).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.FieldType == typeof(Flag))
            .Select(field => (Flag)field.GetValue(null)!)
            .OrderBy(flag => flag.Group),
    ];
}
