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

    /// <summary>The request has no user while it needs one.</summary>
    UserEmpty,

    /// <summary>The user of the request has been deleted.</summary>
    UserNotFound,

    /// <summary>The user may not do this.</summary>
    PermissionDenied,

    /// <summary>What the client shows was made before the last change of users, roles or permissions.</summary>
    AuthOldRevision,

    /// <summary>Not etcd's: users, roles or permissions have changed since the request was admitted. Nothing was changed; admit it
    /// again.</summary>
    AuthMoved,

    /// <summary>The alarm NOSPACE is raised, and the request would add data.</summary>
    NoSpace,

    /// <summary>The alarm CORRUPT is raised.</summary>
    Corrupt,

    /// <summary>Not etcd's: a historical read is not in memory. Nothing was changed; fetch it and evaluate again.</summary>
    HistoryNeeded,
}
