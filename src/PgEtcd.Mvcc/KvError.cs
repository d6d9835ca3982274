namespace PgEtcd.Mvcc;

/// <summary>The reason for refusing a request, which then changes nothing. <c>KvErrors</c> of PgEtcd.Frontend has etcd's error for
/// each.</summary>
public enum KvError
{
    None,

    /// <summary>A request, or a compare or operation of a transaction, has no key.</summary>
    EmptyKey,

    /// <summary>A put is to keep the value or the lease of a key that does not exist, or an operation of a transaction is not
    /// set.</summary>
    KeyNotFound,

    /// <summary>A put brings a value, but is to keep the key's (<c>ignore_value</c>).</summary>
    ValueProvided,

    /// <summary>A put names a lease, but is to keep the key's (<c>ignore_lease</c>).</summary>
    LeaseProvided,

    /// <summary>A transaction has more compares or operations than the server allows.</summary>
    TooManyOps,

    /// <summary>A branch of a transaction puts a key twice, or puts and deletes it.</summary>
    DuplicateKey,

    /// <summary>The sort order or target is unknown to etcd.</summary>
    InvalidSortOption,

    /// <summary>The requested revision is below the compact revision.</summary>
    Compacted,

    /// <summary>The requested revision is above the current one.</summary>
    FutureRevision,

    /// <summary>The lease of a put does not exist.</summary>
    LeaseNotFound,

    /// <summary>Not the request's fault: <see cref="IHistory"/> lacks an older state that the request reads. Fetch the state and evaluate
    /// again.</summary>
    HistoryNeeded,
}
