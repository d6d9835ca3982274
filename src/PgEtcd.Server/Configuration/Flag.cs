
namespace PgEtcd.Server.Configuration;

/// <summary>One flag of the command line, and of the environment and the configuration file.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Default">As it would be typed; null when the default is worked out from other flags. "true" or "false" make it a
/// switch; an empty one may also be given as an empty value.</param>
/// <param name="ValueName">What stands for the value in the help.</param>
/// <param name="Help">One line for the help.</param>
internal sealed record Flag(string Name, string? Default, string ValueName, string Help)
{
    /// <summary>Where the help shows it; also says whether it has an effect here.</summary>
    public FlagGroup Group { get; init; }

    /// <summary>Our own flags are also read from PGETCD_…, where the flag wins; etcd's from ETCD_…, where giving both is an
    /// error.</summary>
    public bool IsOurs { get; init; }

    /// <summary>An empty value means something although it is not the default.</summary>
    public bool MayBeEmpty { get; init; }

    /// <summary>The name it had in etcd while it was an experiment; still accepted.</summary>
    public string? OldName { get; init; }

    /// <summary>True when typing it without a value means "true".</summary>
    public bool IsSwitch => Default is "true" or "false";

    /// <summary>Every name, the present one first.</summary>
    public IEnumerable<string> Names => OldName is null ? [Name] : [Name, OldName];

    /// <summary>The environment variable that stands for the flag.</summary>
    public string Variable => VariableOf(Name);

    /// <summary>The environment variable that stands for one of its names.</summary>
    public string VariableOf(string name) => (IsOurs ? "PGETCD_" : "ETCD_") + name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>What flags are about.</summary>
internal enum FlagGroup
{
    /// <summary>Serving clients.</summary>
    Clients,

    /// <summary>PostgreSQL.</summary>
    Database,

    /// <summary>This frontend among the others.</summary>
    Member,

    /// <summary>Compaction and what stays after it.</summary>
    History,

    /// <summary>TLS, users and roles.</summary>
    Security,

    /// <summary>Logs and traces.</summary>
    Logging,

    /// <summary>etcd's, accepted so that a manifest made for etcd starts, and named in one warning: what they are about (Raft,
    /// its files, peers, Go) does not exist here.</summary>
    Ignored,
}
