using PgEtcd.Postgres.Alarms;

namespace PgEtcd.Server.Composition;

/// <summary>The names of alarms, as etcd shows them.</summary>
internal static class AlarmNames
{
    private static readonly AlarmKinds[] Named = [AlarmKinds.NoSpace, AlarmKinds.Corrupt];

    /// <summary>NOSPACE and CORRUPT, as far as they are raised.</summary>
    public static IEnumerable<string> Names(this AlarmKinds raised) =>
        Named.Where(kind => raised.HasFlag(kind)).Select(kind => kind.ToString().ToUpperInvariant());
}
