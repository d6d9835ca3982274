namespace PgEtcd.Mvcc;

/// <summary>Why a request was refused. The texts and codes that etcd's clients see are in the catalogue of PgEtcd.Protocol.</summary>
public enum KvError
{
    None,
    EmptyKey,
    KeyNotFound,
    ValueProvided,
    LeaseProvided,
    TooManyOps,
    DuplicateKey,
    InvalidSortOption,
    Compacted,
    FutureRevision,
    LeaseNotFound,

    /// <summary>The alarm NOSPACE is raised, and the request would add data.</summary>
    NoSpace,

    /// <summary>The alarm CORRUPT is raised.</summary>
    Corrupt,

    /// <summary>Not etcd's: a historical read is not in memory. Nothing was changed; fetch it and evaluate again.</summary>
    HistoryNeeded,
}
