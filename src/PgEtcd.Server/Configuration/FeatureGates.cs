namespace PgEtcd.Server.Configuration;

/// <summary>--feature-gates: "Name=true,Other=false". The gates concern etcd's internals, so their values change nothing here; a gate
/// that etcd does not know prevents the start, as in etcd.</summary>
internal static class FeatureGates
{
    private static readonly string[] Known =
    [
        "AllAlpha", "AllBeta", "CompactHashCheck", "FastLeaseKeepAlive", "InitialCorruptCheck", "LeaseCheckpoint", "LeaseCheckpointPersist",
        "PriorityRequest", "SetMemberLocalAddr", "StopGRPCServiceOnDefrag", "TxnModeWriteWithSharedBuffer",
    ];

    /// <exception cref="FlagException">A gate is unknown or its value neither true nor false.</exception>
    public static void Check(string label, string list)
    {
        foreach (string gate in FlagValues.ItemsOf(list))
        {
            string[] parts = gate.Split('=', 2, StringSplitOptions.TrimEntries);
            if (!Known.Contains(parts[0]))
            {
                throw new FlagException(Spelling.Nearest(parts[0], Known) is { } near
                    ? $"{label} has an unknown gate {FlagValues.Shown(parts[0])}: did you mean {near}?"
                    : $"{label} has an unknown gate {FlagValues.Shown(parts[0])}: the gates are {string.Join(", ", Known)}.");
            }

            if (parts.Length < 2 || !bool.TryParse(parts[1], out _))
            {
                throw new FlagException($"{label} must say {parts[0]}=true or {parts[0]}=false.");
            }
        }
    }
}
