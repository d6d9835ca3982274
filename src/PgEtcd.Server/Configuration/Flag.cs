namespace PgEtcd.Server.Configuration;

/// <summary>A flag of the command line, the environment and the configuration file.</summary>
/// <param name="Group">The group in the help, which also shows whether the flag has an effect here.</param>
/// <param name="Name">Without dashes.</param>
/// <param name="Default">As it would be typed; null if the default follows from other flags. "true" or "false" make the flag a
/// switch; an empty default allows an empty value.</param>
/// <param name="ValueName">The placeholder of the value in the help.</param>
/// <param name="Help">One line for the help.</param>
/// <param name="IsOurs">Whether the flag is PgEtcd's own. Such a flag is also read from PGETCD_…, and the command line wins. etcd's flags
/// are read from ETCD_…, and giving both is an error.</param>
/// <param name="MayBeEmpty">Whether an empty value is allowed although the default is not empty.</param>
/// <param name="WasExperimental">Whether etcd had the flag under <see cref="OldName"/>.</param>
internal sealed record Flag(
    FlagGroup Group, string Name, string? Default, string ValueName, string Help, bool IsOurs = false, bool MayBeEmpty = false,
    bool WasExperimental = false)
{
    /// <summary>The name of the flag in etcd while it was experimental, which is still accepted; else null.</summary>
    public string? OldName => WasExperimental ? "experimental-" + Name : null;

    /// <summary>Whether the flag without a value means "true".</summary>
    public bool IsSwitch => Default is "true" or "false";

    /// <summary>Every name, the current one first.</summary>
    public IEnumerable<string> Names => OldName is null ? [Name] : [Name, OldName];

    /// <summary>The environment variable that stands for the flag.</summary>
    public string Variable => VariableOf(Name);

    /// <summary>The environment variable that stands for one of its names.</summary>
    public string VariableOf(string name) => (IsOurs ? "PGETCD_" : "ETCD_") + name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>The groups of flags.</summary>
internal enum FlagGroup
{
    /// <summary>Serving clients.</summary>
    Clients,

    /// <summary>PostgreSQL.</summary>
    Database,

    /// <summary>This frontend among the others.</summary>
    Member,

    /// <summary>Compaction and the history that remains.</summary>
    History,

    /// <summary>TLS, users and roles.</summary>
    Security,

    /// <summary>Logs and traces.</summary>
    Logging,

    /// <summary>etcd's flags about things that do not exist here (Raft, its files, peers, Go). They are accepted so that a manifest made
    /// for etcd starts, and named in one warning.</summary>
    Ignored,
}
